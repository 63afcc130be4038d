import type { SessionEvent } from "../daemon/api-contract.ts"

const MASK = "***"
/** Shorter values would turn ordinary words into stars; the steps that have them mask them themselves. */
const SHORTEST = 8
const SHORTEST_LINE = 12
/** Beyond this, encodings are not looked for: they would cost memory, not safety. */
const LONGEST_ENCODED = 64 << 10

/**
 * Hides the secrets of a session in what is shown of it: titles, errors, messages. The output of a
 * step is masked by its shim already, also where a value is split over two writes; here it is what
 * the step was not given as a secret.
 */
export class Mask {
  readonly #known = new Set<string>()
  #forms: string[] = []

  add(value: Buffer | string): void {
    const text = value.toString()
    if (this.#known.has(text)) return
    this.#known.add(text)
    // The longest first: a value may be part of another.
    this.#forms = [...new Set([...this.#forms, ...formsOf(text)])].sort(
      (a, b) => b.length - a.length,
    )
  }

  event(event: SessionEvent): SessionEvent {
    if (this.#forms.length === 0) return event
    switch (event.type) {
      case "log":
        return { ...event, data: this.text(event.data) }
      case "message":
        return { ...event, text: this.text(event.text) }
      case "step":
        return {
          ...event,
          name: this.text(event.name),
          ...(event.error !== undefined && { error: this.text(event.error) }),
        }
    }
  }

  text(shown: string): string {
    let masked = shown
    for (const form of this.#forms) {
      if (masked.includes(form)) masked = masked.replaceAll(form, MASK)
    }
    return masked
  }
}

/** A secret in the shapes in which it is likely to be printed. The shim has the same list in Go. */
function formsOf(value: string): string[] {
  const trimmed = value.trim()
  if (trimmed.length < SHORTEST) return []
  const forms = [value, trimmed]
  if (trimmed.length <= LONGEST_ENCODED) {
    for (const form of new Set([value, trimmed])) {
      forms.push(...base64Forms(Buffer.from(form)))
      forms.push(encodeURIComponent(form), encodeURIComponent(form).replaceAll("%20", "+"))
      forms.push(JSON.stringify(form).slice(1, -1))
    }
    const lines = trimmed.split("\n").map((line) => line.trim())
    if (lines.length > 1) forms.push(...lines.filter((line) => line.length >= SHORTEST_LINE))
  }
  return forms
}

const WIDTHS = [76, 64]
const SHORTEST_PART = 16

/** Base64 of the value: alone, in the midst of other text (`user:value`), and wrapped into lines. */
function base64Forms(value: Buffer): string[] {
  const forms: string[] = []
  for (const shift of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(shift), value]).toString("base64")
    // Characters that other bytes have a part in are left out.
    const from = shift === 0 ? 0 : shift + 1
    const whole = Math.floor(((value.length + shift) * 8) / 6)
    forms.push(encoded.slice(from, whole))
    if (shift === 0) {
      forms.push(encoded, encoded.replace(/=+$/, ""))
      for (const width of WIDTHS) {
        if (encoded.length <= width) continue
        for (let at = 0; at < encoded.length; at += width) {
          const line = encoded.slice(at, at + width)
          if (line.length >= SHORTEST_PART) forms.push(line)
        }
      }
    }
  }
  return forms.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")])
}
