/** Readers of JSON that the project's own code may have written: each gives what it says, or throws a TypeError. */

export function object(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new TypeError("no object")
  return value as Record<string, unknown>
}

/** What is no list is an empty one. */
export const list = (value: unknown): unknown[] =>
  Array.isArray(value) ? value.slice(0, 1000) : []

export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("no text")
  return value.slice(0, 10_000)
}

export function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new TypeError("no number")
  return value
}

export const whole = (value: unknown): number => Math.max(0, Math.trunc(number(value)))

/** `{ key: value }`, or nothing where there is no value. */
export function optional<K extends string, T>(
  key: K,
  value: unknown,
  read: (value: unknown) => T,
): { [key in K]?: T } {
  return value === undefined || value === null ? {} : ({ [key]: read(value) } as { [key in K]: T })
}
