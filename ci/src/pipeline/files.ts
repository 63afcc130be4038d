import { type Directory, dag } from "@dagger.io/dagger"

/** A directory that is nothing but texts, so that equal texts are one input to every engine. */
export function files(texts: Record<string, string>): Directory {
  let directory = dag.directory()
  for (const [path, text] of Object.entries(texts)) directory = directory.withNewFile(path, text)
  return directory
}
