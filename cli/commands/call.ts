import type { Writable } from "node:stream"
import {
  type Changeset,
  type Container,
  connection,
  type Directory,
  dag,
  type File,
} from "@dagger.io/dagger"
import { type Caller, callFrom } from "../../ci/src/caller.ts"
import { Pyline } from "../../ci/src/index.ts"
import { isRemote, type Value } from "../args/value.ts"
import type { Type, Verb } from "../verbs/module.ts"

export interface Call {
  verb: Verb
  /** In the order of the parameters; undefined where the function's default holds. */
  values: (Value | undefined)[]
  output?: string
  /** Whether a changeset may be applied; asked when there is one. */
  mayApply(summary: string): Promise<boolean>
  /** Where a changeset belongs. */
  source?: string
  logOutput?: Writable
  /** What the module is to take this command for. */
  caller: Caller
  /** Takes the digest of the first directory among the values, when all is done; asked for where it is wanted by then. */
  digested: { isWanted(): boolean; take(digest: string): void }
}

/** Calls a verb in the session of the environment and returns what is to be printed. */
export async function call(request: Call): Promise<string> {
  let text = ""
  const { logOutput } = request
  callFrom(request.caller)
  await connection(
    async () => {
      const pyline = new Pyline() as unknown as Record<string, (...args: unknown[]) => unknown>
      const method = pyline[request.verb.method]
      if (!method) throw new Error(`the module has no ${request.verb.method}`)
      const values = request.values.map(materialise)
      try {
        const result = await method.apply(pyline, values)
        text = await show(result, request.verb.returns, request)
      } finally {
        await takeDigest(request, values)
      }
    },
    logOutput ? { LogOutput: logOutput } : {},
  )
  return text
}

/** The engine has read the directory: what it is by content costs no more than the question. */
async function takeDigest({ digested, values }: Call, made: unknown[]): Promise<void> {
  const place = values.findIndex((value) => typeof value === "object" && "directory" in value)
  if (place < 0 || !digested.isWanted()) return
  const digest = await (made[place] as Directory).digest().catch(() => undefined)
  if (digest !== undefined) digested.take(digest)
}

/** Turns the description of a value into an object of Dagger's API, in the way of `dagger call`. */
function materialise(value: Value | undefined): unknown {
  if (value === undefined || typeof value !== "object") return value
  if (Array.isArray(value)) return value.map(materialise)
  if ("directory" in value) {
    const { directory, exclude } = value
    if (isRemote(directory)) return dag.address(directory).directory({ exclude })
    return dag.host().directory(directory, { exclude })
  }
  if ("file" in value)
    return isRemote(value.file) ? dag.address(value.file).file() : dag.host().file(value.file)
  if ("secret" in value) return dag.secret(value.secret)
  return dag.container().from(value.container)
}

async function show(result: unknown, type: Type, request: Call): Promise<string> {
  if (result === undefined || result === null || type.kind === "void") return ""
  if (type.kind === "list")
    return (
      await Promise.all((result as unknown[]).map((item) => show(item, type.of, request)))
    ).join("\n")
  if (type.kind !== "object") return String(result)
  const { output } = request
  switch (type.name) {
    case "Directory": {
      const directory = result as Directory
      if (output !== undefined) return directory.export(output)
      return (await directory.glob("**/*")).sort().join("\n")
    }
    case "File": {
      const file = result as File
      return output === undefined ? file.contents() : file.export(output)
    }
    case "Container": {
      const container = result as Container
      if (output !== undefined) return container.export(output)
      await container.sync()
      return ""
    }
    case "Changeset":
      return apply(result as Changeset, request)
    default:
      throw new Error(`a ${type.name} cannot be shown`)
  }
}

async function apply(changes: Changeset, request: Call): Promise<string> {
  if (await changes.isEmpty()) return "nothing to change"
  const [added, modified, removed, patch] = await Promise.all([
    changes.addedPaths(),
    changes.modifiedPaths(),
    changes.removedPaths(),
    changes.asPatch().contents(),
  ])
  const count = added.length + modified.length + removed.length
  const what = `${count} ${count === 1 ? "file" : "files"}`
  if (!(await request.mayApply(`${patch}\n${what} to change. Apply?`)))
    return `${patch}\n${what} to change; --auto-apply writes them`
  await changes.export(request.source ?? ".")
  return `${what} changed`
}
