import type { Step } from "./steps.ts"

const INSTALL = /\b(uv|pip3?|poetry|pdm|pipenv)\b.*\b(sync|install|export)\b/

/**
 * What the caches did, for the end of the verdict: "cached" when nothing had to run, "deps cached" when
 * something ran but no dependency had to be installed.
 */
export function cacheNote(steps: Iterable<Pick<Step, "name" | "status">>): string | undefined {
  const execs = [...steps].filter(({ name }) => name.startsWith("exec "))
  if (execs.every(({ status }) => status === "cached")) return "cached"
  const installs = execs.filter(({ name }) => INSTALL.test(name))
  if (installs.length > 0 && installs.every(({ status }) => status === "cached"))
    return "deps cached"
  return undefined
}

/** Adds the note to the last line, if that is a verdict (`42 passed in 3.1 s`). */
export function withNote(text: string, note: string | undefined): string {
  if (!note || !/ in \d[\d.]* (?:s|min \d\d s)\s*$/.test(text)) return text
  return `${text.trimEnd()} (${note})`
}
