import { mkdirSync } from "node:fs"
import path from "node:path"
import type { ExportParams } from "../../buildkit/bridge-protocol.ts"
import { scratch } from "../../graph/container.ts"
import { fileOf, fromTree } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import { imageDocument, readLayout, withImage } from "../../graph/image.ts"
import { checkReference } from "../../graph/reference.ts"
import type { Container, File } from "../../graph/values.ts"
import { ociLayout } from "../../llb/source.ts"
import { registryOf } from "../../setup/reference.ts"
import type { Session } from "../context.ts"
import { requireType, saveFile } from "../read.ts"

interface ImageArgs {
  platformVariants?: string[] | null
  forcedCompression?: string | null
  mediaTypes?: string | null
}

/** User names and passwords by registry, for the registry of an image. */
export async function authOf(
  c: Container,
  address: string,
): Promise<Record<string, { username: string; password: string }>> {
  const host = registryOf(address)
  const found = c.registryAuth.filter(
    (a) => a.address.replace(/^https?:\/\//, "").split("/")[0] === host,
  )
  const entries = await Promise.all(
    found.map(async (a) => {
      const password = (await a.secret.plaintext()).toString("utf8")
      return [host, { username: a.username, password }] as const
    }),
  )
  return Object.fromEntries(entries)
}

function attributes(c: Container, args: ImageArgs): Record<string, string> {
  const docker = /^docker/i.test(args.mediaTypes ?? "")
  return {
    "oci-mediatypes": String(!docker),
    ...(args.forcedCompression && {
      compression: args.forcedCompression.toLowerCase(),
      "force-compression": "true",
    }),
    ...epoch(c),
    ...Object.fromEntries(
      c.config.annotations.flatMap(({ name, value }) => [
        [`annotation.${name}`, value],
        [`annotation-manifest-descriptor.${name}`, value],
      ]),
    ),
  }
}

/**
 * An image that says in the OCI label when it was created has no time beside it: when its layers happened to be built is not
 * written down. BuildKit lets no time pass that is later than what it is told here, so only the first of all gives the same
 * image on an engine that has some of its layers already and on one that has none. Dagger always writes the times down.
 */
function epoch({ config }: Container): Record<string, string> {
  const label = config.labels.find(({ name }) => name === "org.opencontainers.image.created")
  return label === undefined ? {} : { "source-date-epoch": "0" }
}

/** Writes or pushes the container, and its variants for other platforms, as one image. */
async function write(
  session: Session,
  c: Container,
  args: ImageArgs,
  to: Pick<ExportParams, "type" | "dest" | "attrs" | "registryAuth">,
): Promise<Record<string, string>> {
  const variants = (args.platformVariants ?? []).map((id) => session.load("Container", id))
  const all = [c, ...variants].flatMap((each) =>
    each.fs ? [{ each, fs: each.fs, imageConfig: imageDocument(each).toString("base64") }] : [],
  )
  const [first] = all
  if (!first) throw new EngineError("no containers to export")
  const targets = all.map(({ fs }) => ({ digest: fs.vertex.digest, index: fs.index }))
  return session.engine.solver.export(
    session,
    all.map(({ fs }) => fs),
    {
      ...to,
      attrs: { ...attributes(c, args), ...to.attrs },
      ...(variants.length > 0
        ? {
            platforms: all.map(({ each, imageConfig }, i) => ({
              platform: each.platform,
              imageConfig,
              ...(targets[i] as (typeof targets)[number]),
            })),
          }
        : { targets, imageConfig: first.imageConfig }),
    },
  )
}

async function tarball(session: Session, c: Container, args: ImageArgs, dest: string) {
  mkdirSync(path.dirname(dest), { recursive: true })
  // Docker's format is an OCI layout too, with a list that `docker load` reads; for one platform only.
  const type = args.platformVariants?.length ? "oci" : "docker"
  await write(session, c, args, { type, dest })
}

/** A container as an image: in a registry, in an archive, and back. */
export const image = {
  async publish(c: Container, args: ImageArgs & { address: string }, session: Session) {
    checkReference(args.address)
    const name = args.address.replace(/@sha256:.*$/, "")
    const metadata = await write(session, c, args, {
      type: "image",
      attrs: { name, push: "true" },
      registryAuth: await authOf(c, args.address),
    })
    const digest = metadata["containerimage.digest"]
    if (!digest) throw new EngineError(`the registry took ${name} but gave no digest`)
    session.engine.images.forget(name)
    return `${name}@${digest}`
  },
  async export(c: Container, args: ImageArgs & { path: string }, session: Session) {
    const dest = session.hostPath(args.path)
    const { known } = session.engine.solver
    const how = { ...attributes(c, args), config: imageDocument(c).toString() }
    // An archive is as large as its base: one that is there already is not written again.
    const single = c.fs !== null && !args.platformVariants?.length ? c.fs : undefined
    if (single && known.isWritten(single, dest, how)) return dest
    await tarball(session, c, args, dest)
    if (single) known.wrote(single, dest, how)
    return dest
  },
  async asTarball(c: Container, args: ImageArgs, session: Session): Promise<File> {
    const dest = path.join(session.newFolder(), "container.tar")
    await tarball(session, c, args, dest)
    return fileOf(fromTree(await session.engine.host.readFile(dest)), "container.tar")
  },
  async import(c: Container, args: { source: string }, session: Session): Promise<Container> {
    const file = session.load("File", args.source)
    await requireType(session, file, file.path, "REGULAR")
    const folder = session.newFolder()
    const archive = path.join(folder, "archive.tar")
    await saveFile(session, file, archive)
    const dir = path.join(folder, "layout")
    await session.engine.unpack(archive, dir)
    const { digest, config } = readLayout(dir, c.platform)
    return withImage({ ...scratch(c.platform), ...c }, ociLayout(dir, digest, "import"), config)
  },
}
