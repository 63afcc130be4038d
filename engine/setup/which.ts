import { accessSync, constants, statSync } from "node:fs"
import { delimiter, join } from "node:path"

/** Path of a program, or nothing. Programs of the system are found also where PATH has no sbin. */
export function which(name: string, path = process.env.PATH ?? ""): string | undefined {
  for (const dir of [...path.split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"]) {
    if (!dir) continue
    const file = join(dir, name)
    try {
      accessSync(file, constants.X_OK)
      if (statSync(file).isFile()) return file
    } catch {
      // Not in this one.
    }
  }
  return undefined
}
