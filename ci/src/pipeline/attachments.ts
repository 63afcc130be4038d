import { type Directory, dag } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { imageName } from "../project/imageName.ts"
import { type Login, registry } from "./registry.ts"

/** A document beside an image. Whoever may push wrote it: nothing of it is to be believed before it is verified. */
export interface Attachment {
  type: string | null
  digest: string
  /** Of an image of several platforms the one that it is about. */
  platform: string | null
  /** Its place in the directory of all. */
  file: string
  /** As its author calls it. */
  title: string | null
}

export interface Attachments {
  name: string
  digest: string
  list: Attachment[]
  documents: Directory
  /** Why some of it cannot be read. */
  problems: string[]
}

interface Answer {
  digest: string
  referrers: {
    type: string | null
    digest: string
    platform: string | null
    files: { file: string; title: string | null }[]
    problem?: string
  }[]
}

/** What is attached to an image in a registry: all of it, or what has one type. */
export async function attachmentsOf(
  image: string,
  login: Login | undefined,
  type?: string,
): Promise<Attachments> {
  const { name, tag, digest } = imageName(image)
  const ref = digest === undefined ? `${name}:${tag ?? "latest"}` : `${name}@${digest}`
  const only = type === undefined ? [] : ["--type", type]
  const answer = await registry<Answer>(["referrers", ref, "documents", ...only], { login })
  const list = answer.referrers.flatMap(({ type, digest, platform, files }) =>
    files.map(({ file, title }) => ({ type, digest, platform, file, title })),
  )
  const documents = list.length === 0 ? dag.directory() : answer.out.directory("documents")
  const problems = answer.referrers.flatMap(({ problem }) => problem ?? [])
  return { name, digest: answer.digest, list, documents, problems }
}

/** The documents under names that people know: `release.json`, `linux-amd64/sbom.cdx.json`. Says which cannot be read. */
export function named({ list, documents, problems }: Attachments): Directory {
  for (const problem of problems) notice(`an attachment is left out: ${problem}`)
  const taken = new Set<string>()
  let directory = dag.directory()
  for (const { file, title, type, platform } of list) {
    const path = free(nameOf(title ?? type ?? "document", platform), taken)
    directory = directory.withFile(path, documents.file(file))
  }
  return directory
}

/** A name that cannot lead out of the directory, whoever wrote it. */
function nameOf(title: string, platform: string | null): string {
  const plain = (text: string) =>
    text
      .replace(/[^\w.-]+/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, 100) || "document"
  return platform === null ? plain(title) : `${plain(platform)}/${plain(title)}`
}

function free(name: string, taken: Set<string>): string {
  const [, stem = name, ending = ""] = /^(.*?)((?:\.\w+)*)$/.exec(name) ?? []
  let path = name
  for (let number = 2; taken.has(path); number++) path = `${stem}-${number}${ending}`
  taken.add(path)
  return path
}
