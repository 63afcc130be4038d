import { readFileSync } from "node:fs"

/** Text of one of the programs in ci/probe. The only place that reads the module's own files. */
export function asset(
  name: "probe.py" | "evidence.py" | "apt.sh" | "build.py" | "run_tests.py",
): string {
  return readFileSync(new URL(`../../probe/${name}`, import.meta.url), "utf8")
}
