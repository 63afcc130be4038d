import {
  pythonConflict,
  pythonEnded,
  pythonEndOfLife,
  pythonInvalid,
  pythonUnsupported,
  usage,
} from "../errors.ts"
import type { PythonConstraint } from "./facts.ts"
import type { Decision } from "./plan.ts"

/** Minor versions that Pyline runs, oldest first. */
export const SUPPORTED = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]

/** Taken where nothing is pinned. Fixed by Pyline's version: a default that moves under a project breaks it. */
export const DEFAULT = "3.13"

const END_OF_LIFE: Record<string, string> = {
  "2.7": "2020-01-01",
  "3.4": "2019-03-18",
  "3.5": "2020-09-30",
  "3.6": "2021-12-23",
  "3.7": "2023-06-27",
  "3.8": "2024-10-07",
}

/** Run still, but no longer mended: the last security fix. */
const ENDED: Record<string, string> = { "3.9": "2025-10-31", "3.10": "2026-10-31" }

/** What ended before this is refused where nobody asks for it: a year before this version of Pyline. */
const LONG_AGO = "2025-11-30"

const RANGE = `${SUPPORTED[0]} to ${SUPPORTED[SUPPORTED.length - 1]}`
const ARGUMENT = "--python"
const RANGES = ["requires-python", "python_requires", "Poetry's python"]

/** The minor version to use: the pin if there is one, within what every constraint allows. */
export function decidePython(
  facts: readonly PythonConstraint[],
  argument: string | undefined,
  classifiers: readonly string[] = [],
): { version: string; matrix: string[]; decision: Decision; warnings: string[] } {
  const pins = facts.filter(({ rule }) => !RANGES.includes(rule))
  const ranges = facts.filter((fact) => !pins.includes(fact))
  // The nearer to the run, the stronger: an argument, then our own setting, then the files that other tools read too,
  // which have to agree.
  const nearest =
    (argument === undefined ? undefined : fromArgument(argument)) ??
    pins.find(({ rule }) => rule === "the python setting")
  const pin = nearest ?? pins[0]
  const constraints = nearest === undefined ? [...pins, ...ranges] : [nearest, ...ranges]

  if (nearest === undefined) for (const constraint of pins) refuseEnded(constraint)

  let allowed = SUPPORTED
  for (const constraint of constraints) {
    const own = readable(constraint)
    allowed = allowed.filter((version) => own.includes(version))
  }
  if (allowed.length === 0) throw pythonConflict(constraints)

  const version = allowed.includes(DEFAULT) ? DEFAULT : (allowed[allowed.length - 1] as string)
  const first = constraints[0]
  const rejected = pins
    .filter((other) => !constraints.includes(other))
    .map(({ value, file }) => ({ value, file, why: `${pin?.file} decides` }))
  const warnings =
    pin?.file === ".python-version" && /\d+\.\d+\.\d+/.test(pin.value)
      ? [`.python-version names ${pin.value}; Pyline uses the newest patch release of ${version}`]
      : []
  const ended = ENDED[version]
  if (ended !== undefined)
    warnings.push(`Python ${version} had its last security fix on ${ended}: move to a newer one`)
  const matrix = matrixOf(ranges, classifiers, version)
  if (first === undefined) {
    const rule = `nothing names a version: ${DEFAULT} is this Pyline's default`
    return {
      version,
      matrix,
      decision: { about: "python", value: version, rule, rejected },
      warnings,
    }
  }
  const rule =
    pin === undefined
      ? `${first.rule} ${first.value} allows ${version === DEFAULT ? "the default" : "it, and no newer one"}`
      : `${pin.rule} ${pin.value}`
  return {
    version,
    matrix,
    decision: {
      about: "python",
      value: version,
      file: first.file,
      ...(first.line === undefined ? {} : { line: first.line }),
      rule,
      rejected,
    },
    warnings,
  }
}

/** A pin to a version that is long over has to be meant: an argument or our own setting says so. */
function refuseEnded(pin: PythonConstraint): void {
  const date = pin.minor === undefined ? undefined : ENDED[pin.minor]
  if (pin.minor !== undefined && date !== undefined && date < LONG_AGO)
    throw pythonEnded(
      pin,
      pin.minor,
      date,
      SUPPORTED.find((minor) => ENDED[minor] === undefined) ?? DEFAULT,
    )
}

/** Versions that the project says it supports: what ranges allow, of the classifiers where there are any. */
function matrixOf(
  ranges: readonly PythonConstraint[],
  classifiers: readonly string[],
  version: string,
): string[] {
  const allowed = SUPPORTED.filter((minor) =>
    ranges.every((range) => range.allowed?.includes(minor) ?? true),
  )
  const named = allowed.filter((minor) => classifiers.includes(minor))
  if (named.length > 0) return named
  return ranges.length > 0 ? allowed : [version]
}

/**
 * The minor version that an argument names.
 *
 * @throws USAGE
 */
export function minorOf(value: string): string {
  const minor = /^(\d+\.\d+)(?:\.\d+)?$/.exec(value)?.[1]
  if (minor === undefined || !SUPPORTED.includes(minor)) {
    throw usage(
      `${ARGUMENT} ${value}: not a Python version that Pyline runs`,
      `use one of ${SUPPORTED.join(", ")}`,
    )
  }
  return minor
}

function fromArgument(value: string): PythonConstraint {
  const minor = minorOf(value)
  return { file: ARGUMENT, rule: "the argument", value, allowed: [minor], minor }
}

function readable(constraint: PythonConstraint): string[] {
  const { value, allowed, minor } = constraint
  if (
    allowed === undefined ||
    (allowed.length === 0 && /^\d+(\.\d+)?$/.test(value) && minor === undefined)
  ) {
    throw pythonInvalid(constraint, value, RANGE)
  }
  if (allowed.length > 0) return allowed
  const ended = minor === undefined ? undefined : END_OF_LIFE[minor]
  if (minor !== undefined && ended !== undefined) {
    throw pythonEndOfLife(constraint, minor, ended, SUPPORTED[0] as string)
  }
  throw pythonUnsupported(constraint, value, RANGE)
}
