import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import path from "node:path"
import type { Read, SolveParams } from "../buildkit/bridge-protocol.ts"
import { toEntriesJson } from "../host/tree.ts"
import type { Output, Vertex } from "../llb/vertex.ts"

export interface Want {
  output: Output
  reads?: Read[]
}

/**
 * A solve as the bridge takes it, with everything that the graph's sources and steps need of this
 * machine. `needed` says which steps are likely to run: others do without a secret that is missing.
 */
export async function makeRequest(
  graph: Vertex[],
  targets: Want[],
  temporary: string,
  needed: (v: Vertex) => boolean,
): Promise<SolveParams> {
  const locals: Record<string, { root: string; entries: string }> = {}
  const ociLayouts: Record<string, string> = {}
  const registryAuth: NonNullable<SolveParams["registryAuth"]> = {}
  for (const { attachment: at } of graph) {
    if (at?.kind === "tree") {
      locals[at.name] = { root: at.tree.root, entries: entriesFile(temporary, at) }
    } else if (at?.kind === "layout") ociLayouts[at.name] = at.dir
    else if (at?.kind === "registry") Object.assign(registryAuth, at.auth)
  }
  return {
    ops: graph.map((v) => v.bytes.toString("base64")),
    targets: targets.map(({ output, reads }) => ({
      digest: output.vertex.digest,
      index: output.index,
      ...(reads && { reads }),
    })),
    locals,
    ociLayouts,
    registryAuth,
    secrets: await gather(graph, needed),
    ...(graph.some((v) => v.exec?.hostNetwork) && { entitlements: ["network.host"] }),
  }
}

async function gather(
  graph: Vertex[],
  needed: (v: Vertex) => boolean,
): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {}
  const steps = graph.filter((v) => v.exec)
  // Steps that run come first: where values differ, theirs count.
  for (const v of [...steps.filter(needed), ...steps.filter((s) => !needed(s))]) {
    for (const secret of v.exec?.secrets ?? []) {
      if (secrets[secret.id] !== undefined || (secret.hold && !needed(v))) continue
      try {
        secrets[secret.id] = (await secret.plaintext()).toString("base64")
      } catch (error) {
        if (needed(v)) throw error
      }
    }
  }
  return secrets
}

/**
 * Steps that must be made first, in jobs of their own, because a later step gives another value to
 * a secret of the same name: a job knows one value a name. Each list is one job.
 */
export async function clashes(steps: Vertex[]): Promise<Vertex[][]> {
  const jobs: Vertex[][] = []
  let job: Vertex[] = []
  let values = new Map<string, Buffer>()
  for (const step of steps) {
    const own = new Map<string, Buffer>()
    for (const secret of step.exec?.secrets ?? []) own.set(secret.id, await secret.plaintext())
    if ([...own].some(([id, value]) => values.get(id)?.equals(value) === false)) {
      jobs.push(job)
      job = []
      values = new Map()
    }
    job.push(step)
    for (const [id, value] of own) values.set(id, value)
  }
  return jobs
}

function entriesFile(
  temporary: string,
  at: { name: string; tree: Parameters<typeof toEntriesJson>[0] },
): string {
  const file = path.join(temporary, `${at.name}.json`)
  mkdirSync(temporary, { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.tmp`, toEntriesJson(at.tree), { mode: 0o600 })
  renameSync(`${file}.tmp`, file)
  return file
}
