import { randomUUID } from "node:crypto"
import { type Container, type Directory, dag } from "@dagger.io/dagger"
import { deliveryFailed, internal } from "../errors.ts"
import { deliveryProgram } from "../pipeline/asset.ts"
import { SOURCE, withSystemPackages } from "../pipeline/base.ts"
import { files } from "../pipeline/files.ts"
import { HOME, pythonImage } from "../pipeline/toolbox.ts"
import type { Environment } from "../project/environments.ts"
import { DEFAULT } from "../project/python.ts"
import { WITHOUT_GIT } from "../source.ts"
import type { Access } from "./access.ts"
import type { Placed } from "./environments.ts"

const PROGRAMS = `${HOME}/programs`
const REQUEST = `${HOME}/request`
const RUN = "/run/pyline"
const RESULT = "/opt/pyline-delivery.json"

/** Where kubectl comes from. It may be one minor version older or newer than the cluster. */
const KUBECTL = "registry.k8s.io/kubectl:v1.34.1"

/** Who changes an environment, and in which run on a CI host. */
export interface Holder {
  by?: string | undefined
  run?: string | undefined
}

/** What a command of ci/probe/delivery is asked. */
export interface Request {
  environment: Placed
  /** What an image is promoted from. */
  from?: Placed
  holder?: Holder
  [more: string]: unknown
}

/** Why it was not done: `kind` and `code` as in ci/probe/delivery/errors.py. */
export interface Refusal {
  ok: false
  kind: "failed" | "request" | "errored"
  code: string
  message: string
  detail: string[]
  /** What a registry did, as in ci/probe/registry/errors.py. */
  registry?: "refused" | "missing" | "unreachable" | "limited" | "broken" | "invalid"
}

/** A program of the delivery package. */
export type Command =
  | "deploy"
  | "history"
  | "judge"
  | "promote"
  | "rollback"
  | "status"
  | "validate"

/**
 * Runs a command of the delivery program in a container; never answered from a cache. What it prints is for people, and
 * its answer is a file.
 *
 * @throws what errors.ts makes of a refusal
 */
export async function deliver<T>(
  command: Command,
  request: Request,
  source: Directory,
  accesses: readonly Access[],
): Promise<T> {
  const { environment, from } = request
  let container = withTools([environment, ...(from === undefined ? [] : [from])])
    .withMountedDirectory(PROGRAMS, files(deliveryProgram()))
    .withMountedDirectory(SOURCE, source.filter(WITHOUT_GIT))
    .withWorkdir(SOURCE)
    .withEnvVariable("PYTHONPATH", PROGRAMS)
    .withEnvVariable("PYTHONUNBUFFERED", "1")
    // What runs somewhere is not what ran there before.
    .withEnvVariable("PYLINE_REQUEST", randomUUID())
  const [own, origin] = accesses
  for (const [name, secret] of accesses.flatMap((access) => Object.entries(access.files)))
    container = container.withMountedSecret(`${RUN}/${name}`, secret)
  const text = JSON.stringify({
    schema: 1,
    ...request,
    username: own?.login?.username,
    fromUsername: origin?.login?.username,
  })
  const done = container
    .withMountedDirectory(REQUEST, files({ "request.json": text }))
    .withExec([
      ...["python3", "-B", "-m", "delivery", command, `${REQUEST}/request.json`],
      ...["--output", RESULT, "--secrets", RUN],
    ])
  const answer = parseAnswer<T>(await done.file(RESULT).contents())
  if (!answer.ok) throw deliveryFailed(answer, environment.name, from?.name)
  return answer
}

/** A container with the programs that the targets of environments need. */
function withTools(environments: readonly Environment[]): Container {
  const needs = (target: Environment["target"]) =>
    environments.find((environment) => environment.target === target)
  const command = needs("command")
  let container = dag.container().from(command?.toolsImage ?? pythonImage(DEFAULT))
  if (needs("docker") ?? needs("compose"))
    container = withSystemPackages(container, ["openssh-client"])
  const cluster = needs("kubernetes")
  if (cluster !== undefined)
    container = container.withFile(
      "/usr/local/bin/kubectl",
      dag
        .container()
        .from(cluster.toolsImage ?? KUBECTL)
        .file("/bin/kubectl"),
    )
  return container
}

function parseAnswer<T>(text: string): ({ ok: true } & T) | Refusal {
  try {
    const answer = JSON.parse(text)
    if (answer.schema === 1 && typeof answer.ok === "boolean") return answer
  } catch {}
  throw internal("the delivery program wrote no answer", text.split("\n").slice(0, 5))
}
