import { expect, test } from "vitest"
import { credentialsIn } from "../../../../cli/session/indexes.ts"

test("credentials of named indexes in the environment become one secret", () => {
  const env: NodeJS.ProcessEnv = {
    UV_INDEX_INTERNAL_USERNAME: "me",
    UV_INDEX_INTERNAL_PASSWORD: "a=b 'c'",
    POETRY_HTTP_BASIC_INTERNAL_PASSWORD: "",
    UV_INDEX: "https://pypi.example.com/simple",
    PASSWORD: "other",
  }
  expect(credentialsIn(env)).toEqual({
    secret: "env://PYLINE_INDEX_CREDENTIALS",
    variables: ["UV_INDEX_INTERNAL_PASSWORD", "UV_INDEX_INTERNAL_USERNAME"],
  })
  expect(env.PYLINE_INDEX_CREDENTIALS).toBe(
    "UV_INDEX_INTERNAL_PASSWORD=a=b 'c'\nUV_INDEX_INTERNAL_USERNAME=me\n",
  )
})

test("an environment without any: no secret", () => {
  const env = { PIP_INDEX_URL: "https://me:secret@pypi.example.com/simple", PATH: "/bin" }
  expect(credentialsIn(env)).toBeUndefined()
  expect(env).not.toHaveProperty("PYLINE_INDEX_CREDENTIALS")
})
