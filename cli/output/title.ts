const LONGEST = 48

/**
 * The name of a step as people know it: programs and files of the image by their last name, and a
 * Python script without the interpreter's flags. `exec /opt/venv/bin/python -B /opt/x/probe.py /project`
 * is `exec probe.py /project`, and Pyline's own packages are named without Python: `exec registry tag …`. The program that runs the tests is named by their runner: `exec pytest (python-3.13)`.
 */
export function title(name: string): string {
  if (!name.startsWith("exec ")) return name.replace(/\s+/g, " ").trim()
  const [, runner, environment] = /\/run_tests\.py --runner (\S+).*? --name (\S+)/.exec(name) ?? []
  if (name.includes("/combine_coverage.py ")) return "exec coverage"
  if (runner) return `exec ${runner} (${environment})`
  const [, program] =
    /^exec \S*python -B -m ((?:registry|sbom|scan|signing)(?:\.\w+)? .*)/s.exec(name) ?? []
  const [, delivery] = /^exec \S*python3 -B -m (delivery [\w-]+)/.exec(name) ?? []
  if (delivery) return `exec ${delivery}`
  const words = (program ?? name.replace(/^exec /, "")).split(/\s+/).map(baseName)
  const script = words.findIndex((word) => word.endsWith(".py"))
  const isPython = /^python[\d.]*$/.test(words[0] ?? "")
  const start =
    isPython && words.slice(1, script).every((word) => word.startsWith("-")) ? script : 0
  return ["exec", ...words.slice(Math.max(start, 0))].join(" ")
}

/** Short enough to stand in front of every line. */
export function shortTitle(name: string): string {
  const text = title(name)
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}

const baseName = (word: string): string =>
  /^\/(opt|usr|bin|root)\/./.test(word) ? word.slice(word.lastIndexOf("/") + 1) : word
