import { EngineError } from "./errors.ts"
import type { Container } from "./values.ts"

/** `$NAME` and `${NAME}`, and nothing else that a shell would do. */
const REFERENCE = /\$\{([^}]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)|\$\$/g

/** The text with the container's variables in it, where that is asked for. */
export function expandIn(
  c: Pick<Container, "config" | "secretEnv">,
  text: string,
  wanted: boolean | null | undefined,
): string {
  if (!wanted) return text
  return text.replace(REFERENCE, (_, braced, plain) => {
    const name: string = braced ?? plain ?? ""
    if (c.secretEnv.some((s) => s.name === name)) {
      throw new EngineError(
        `expand cannot be used with secret env variable ${JSON.stringify(name)}`,
      )
    }
    return c.config.env.find((e) => e.name === name)?.value ?? ""
  })
}
