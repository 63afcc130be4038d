import type { Secret } from "../../graph/values.ts"

export const secret = {
  plaintext: async (value: Secret) => (await value.plaintext()).toString("utf8"),
}
