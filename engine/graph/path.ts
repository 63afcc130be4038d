import path from "node:path/posix"

/** Joins and cleans; what would climb out of the root ends at the root. */
export const join = (base: string, ...parts: string[]): string =>
  path.join("/", base, ...parts).replace(/(.)\/$/, "$1")

/** A path in a container: relative ones count from the working directory. */
export const inContainer = (workdir: string, p: string): string =>
  p.startsWith("/") ? join("/", p) : join(workdir || "/", p)

/** Whether `p` is `dir` or lies below it; both absolute and clean. */
export const isWithin = (p: string, dir: string): boolean =>
  dir === "/" || p === dir || p.startsWith(`${dir}/`)

export const { basename, dirname } = path
