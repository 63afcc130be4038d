import { isCredential } from "../../ci/src/project/credentials.ts"

const NAME = "PYLINE_INDEX_CREDENTIALS"

/**
 * Makes one secret of the variables of the environment that can be nothing but credentials of a named package index
 * (`UV_INDEX_INTERNAL_PASSWORD`, `POETRY_HTTP_BASIC_INTERNAL_PASSWORD`): the tools themselves take them from there too.
 *
 * @returns the secret's place and the names it was made of; undefined where there are none
 */
export function credentialsIn(
  env: NodeJS.ProcessEnv,
): { secret: string; variables: string[] } | undefined {
  const variables = Object.keys(env).filter((name) => isCredential(name) && env[name] !== "")
  // A line ends a value of the form that they are handed over in.
  if (variables.length === 0 || variables.some((name) => /[\r\n]/.test(env[name] ?? "")))
    return undefined
  env[NAME] = variables
    .sort()
    .map((name) => `${name}=${env[name]}\n`)
    .join("")
  return { secret: `env://${NAME}`, variables }
}
