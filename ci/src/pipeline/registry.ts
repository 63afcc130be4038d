import { randomUUID } from "node:crypto"
import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { internal, registryFailed } from "../errors.ts"
import { DEFAULT } from "../project/python.ts"
import { packageProgram } from "./asset.ts"
import { files } from "./files.ts"
import { HOME, pythonImage } from "./toolbox.ts"

/** Who one is to a registry. */
export interface Login {
  username: string
  password: Secret
}

const PROGRAMS = `${HOME}/programs`
const RUN = "/run/pyline"
const OUTPUT = "/opt/pyline-out"

/** What is handed to a command of ci/probe/registry. */
export interface RegistryOptions {
  login?: Login | undefined
  /** Of the registry that is copied from. */
  from?: Login | undefined
  /** What entries of a cache are vouched for with. */
  secret?: Secret | undefined
  /** Documents, which the command finds in its working directory. */
  input?: Directory
}

/** Why a registry did not do what it was asked: `kind` as in ci/probe/registry/errors.py. */
interface Refusal {
  ok: false
  kind: "refused" | "missing" | "unreachable" | "limited" | "broken" | "invalid"
  message: string
}

/**
 * Runs a command of the registry program (ci/probe/registry/__main__.py); never answered from a cache.
 * Gives what it wrote, and the directory `out` of its working directory.
 *
 * @throws REGISTRY_REFUSED, REGISTRY_MISSING or REGISTRY_FAILED
 */
export async function registry<T>(
  command: readonly string[],
  options: RegistryOptions = {},
): Promise<T & { out: Directory }> {
  let container = dag
    .container()
    .from(pythonImage(DEFAULT))
    .withMountedDirectory(PROGRAMS, files(packageProgram("registry")))
    .withEnvVariable("PYTHONPATH", PROGRAMS)
    .withEnvVariable("PYTHONUNBUFFERED", "1")
    .withDirectory(OUTPUT, options.input ?? dag.directory())
    .withWorkdir(OUTPUT)
    // What a registry says is not what it said before.
    .withEnvVariable("PYLINE_REQUEST", randomUUID())
  const args: string[] = []
  for (const [prefix, login] of [
    ["", options.login],
    ["from-", options.from],
  ] as const) {
    if (login === undefined) continue
    const path = `${RUN}/${prefix}password`
    container = container.withMountedSecret(path, login.password)
    args.push(`--${prefix}username`, login.username, `--${prefix}password-file`, path)
  }
  if (options.secret !== undefined) {
    container = container.withMountedSecret(`${RUN}/secret`, options.secret)
    args.push("--secret-file", `${RUN}/secret`)
  }
  const result = `${OUTPUT}/result.json`
  const done = container.withExec([
    ...["python", "-B", "-m", "registry", ...command],
    ...["--output", result, ...args],
  ])
  const answer = parseAnswer<T>(await done.file(result).contents())
  if (!answer.ok) throw registryFailed(answer.kind, answer.message)
  return { ...answer, out: done.directory(OUTPUT) }
}

function parseAnswer<T>(text: string): ({ ok: true } & T) | Refusal {
  try {
    const answer = JSON.parse(text)
    if (answer.schema === 1 && typeof answer.ok === "boolean") return answer
  } catch {}
  throw internal("the registry program wrote no answer", text.split("\n").slice(0, 5))
}

/**
 * A login for the pipeline's own use: a password from a file ends in a newline that is no part of it.
 */
export async function loginOf(
  username: string | undefined,
  password: Secret | undefined,
): Promise<Login | undefined> {
  if (password === undefined) return undefined
  const text = (await password.plaintext()).trim()
  return { username: username ?? "", password: dag.setSecret("pyline-registry-password", text) }
}

/**
 * The container with what it needs to pull from and push to a registry.
 */
export function loggedIn(container: Container, address: string, login: Login | undefined) {
  return login === undefined
    ? container
    : container.withRegistryAuth(address, login.username, login.password)
}
