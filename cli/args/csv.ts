import { UsageError } from "../failure.ts"

/**
 * Splits the value of a list flag as `dagger call` does: one record of RFC 4180, so that
 * `--args=-k,"a, b"` is two values. An empty value is an empty list.
 */
export function parseCsv(text: string, flag: string): string[] {
  if (text === "") return []
  const values: string[] = []
  let rest = text
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?=,|$)/.exec(rest)
    const field = quoted?.[0] ?? (/^[^,]*/.exec(rest)?.[0] as string)
    if (!quoted && field.includes('"')) {
      throw new UsageError(
        `a quote in the middle of a value of --${flag}: ${text}`,
        `values are separated by commas as in a CSV file; one that has a comma or a quote is written --${flag}='"a ""b"", c"'`,
      )
    }
    values.push(quoted ? (quoted[1] as string).replaceAll('""', '"') : field)
    if (field.length === rest.length) return values
    rest = rest.slice(field.length + 1)
  }
}
