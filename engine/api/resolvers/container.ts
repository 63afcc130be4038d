import path from "node:path"
import {
  configure,
  directoryOf,
  dropPair,
  fileOf,
  resolvePath,
  rootfs,
  setPair,
  withDirectory,
  withFile,
  withMountedCache,
  withMountedDirectory,
  withMountedFile,
  withMountedSecret,
  withMountedTemp,
  withNewFile,
  without,
  withoutMount,
  withRootfs,
  withSymlink,
} from "../../graph/container.ts"
import { EngineError } from "../../graph/errors.ts"
import { type ExecArgs, expand, withExec } from "../../graph/execute.ts"
import { toImageConfig, withImage } from "../../graph/image.ts"
import { inContainer } from "../../graph/path.ts"
import type {
  Container,
  EnvVariable,
  Healthcheck,
  Label,
  Pair,
  Port,
  Sharing,
} from "../../graph/values.ts"
import type { ExecRecord } from "../../store/memo.ts"
import { outputsOf, type Session } from "../context.ts"
import { exists, stat } from "../read.ts"

type Expandable = { expand?: boolean | null }
type PathArgs = Expandable & { path: string }
type Placed = PathArgs & { owner?: string | null; permissions?: number | null }
type NameValue = { name: string; value: string }

async function lastExec(c: Container, session: Session): Promise<ExecRecord> {
  if (c.error) throw new EngineError(c.error)
  if (!c.lastExec) throw new EngineError("no command has been set")
  return session.engine.solver.execRecord(session, c.lastExec.vertex)
}

/** A fact of the configuration: asked of a container whose steps failed, it fails too. */
const settled =
  <T, A = unknown>(get: (c: Container, args: A) => T) =>
  async (c: Container, args: A, session: Session): Promise<T> => {
    await session.settle(c)
    return get(c, args)
  }

const pairs = <K extends "EnvVariable" | "Label">(kind: K, list: Pair[]) =>
  list.map((p) => ({ kind, ...p })) as (K extends "Label" ? Label : EnvVariable)[]

async function authOf(c: Container, address: string) {
  const host = address.split("/")[0] ?? ""
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

/** The image document of the OCI image specification; the layers are filled in when it is written. */
function imageDocument(c: Container): Buffer {
  const [os = "linux", architecture = "amd64"] = c.platform.split("/")
  return Buffer.from(
    JSON.stringify({
      architecture,
      os,
      config: toImageConfig(c.config),
      rootfs: { type: "layers", diff_ids: [] },
      history: [],
    }),
  )
}

interface ImageArgs {
  platformVariants?: string[] | null
  forcedCompression?: string | null
  mediaTypes?: string | null
}

function imageAttributes(c: Container, args: ImageArgs): Record<string, string> {
  if (args.platformVariants?.length) {
    throw new EngineError(
      "images of several platforms are not supported by the embedded engine, use --engine dagger",
    )
  }
  const docker = /^docker/i.test(args.mediaTypes ?? "")
  return {
    "oci-mediatypes": String(!docker),
    ...(args.forcedCompression && {
      compression: args.forcedCompression.toLowerCase(),
      "force-compression": "true",
    }),
    ...Object.fromEntries(c.config.annotations.map((a) => [`annotation.${a.name}`, a.value])),
  }
}

export const container = {
  async from(c: Container, { address }: { address: string }, session: Session) {
    const image = await session.engine.images.resolve(address, await authOf(c, address))
    return withImage(c, image.fs, image.config, image.ref)
  },
  async withExec(c: Container, args: ExecArgs, session: Session) {
    return withExec(c, args, await session.engine.steps())
  },
  stdout: async (c: Container, _: unknown, session: Session) => (await lastExec(c, session)).stdout,
  stderr: async (c: Container, _: unknown, session: Session) => (await lastExec(c, session)).stderr,
  combinedOutput: async (c: Container, _: unknown, session: Session) =>
    (await lastExec(c, session)).combined,
  exitCode: async (c: Container, _: unknown, session: Session) =>
    (await lastExec(c, session)).exitCode,
  async sync(c: Container, _: unknown, session: Session): Promise<string> {
    if (c.error) throw new EngineError(c.error)
    await session.engine.solver.ensure(session, outputsOf(c))
    return session.idOf(c)
  },
  withError: (c: Container, { err }: { err: string }): Container =>
    err ? { ...c, error: err } : c,

  // Configuration
  platform: (c: Container) => c.platform,
  imageRef: settled((c) => {
    if (!c.imageRef)
      throw new EngineError(
        "Image reference can only be retrieved immediately after the 'Container.From' call",
      )
    return c.imageRef
  }),
  envVariable: settled(
    (c, { name }: { name: string }) => c.config.env.find((e) => e.name === name)?.value ?? null,
  ),
  envVariables: settled((c) => pairs("EnvVariable", c.config.env)),
  withEnvVariable(c: Container, args: NameValue & Expandable) {
    const value = args.expand ? expand(args.value, c.config.env) : args.value
    return configure(c, { env: setPair(c.config.env, args.name, value) })
  },
  withoutEnvVariable: (c: Container, { name }: { name: string }) =>
    configure(c, { env: dropPair(c.config.env, name) }),
  withVolatileVariable: (c: Container, { name, value }: NameValue): Container => ({
    ...c,
    volatileEnv: setPair(c.volatileEnv, name, value),
  }),
  withoutVolatileVariable: (c: Container, { name }: { name: string }): Container => ({
    ...c,
    volatileEnv: dropPair(c.volatileEnv, name),
  }),
  workdir: settled((c) => c.config.workdir),
  withWorkdir: (c: Container, args: PathArgs) =>
    configure(c, {
      workdir: inContainer(
        c.config.workdir,
        args.expand ? expand(args.path, c.config.env) : args.path,
      ),
    }),
  withoutWorkdir: (c: Container) => configure(c, { workdir: "" }),
  user: settled((c) => c.config.user),
  withUser: (c: Container, { name }: { name: string }) => configure(c, { user: name }),
  withoutUser: (c: Container) => configure(c, { user: "" }),
  entrypoint: settled((c) => c.config.entrypoint ?? []),
  withEntrypoint: (c: Container, args: { args: string[]; keepDefaultArgs?: boolean | null }) =>
    configure(c, {
      entrypoint: args.args,
      ...(!args.keepDefaultArgs && { cmd: null }),
    }),
  withoutEntrypoint: (c: Container, args: { keepDefaultArgs?: boolean | null }) =>
    configure(c, { entrypoint: null, ...(!args.keepDefaultArgs && { cmd: null }) }),
  defaultArgs: settled((c) => c.config.cmd ?? []),
  withDefaultArgs: (c: Container, { args }: { args: string[] }) => configure(c, { cmd: args }),
  withoutDefaultArgs: (c: Container) => configure(c, { cmd: null }),
  label: settled(
    (c, { name }: { name: string }) => c.config.labels.find((l) => l.name === name)?.value ?? null,
  ),
  labels: settled((c) => pairs("Label", c.config.labels)),
  withLabel: (c: Container, { name, value }: NameValue) =>
    configure(c, { labels: setPair(c.config.labels, name, value) }),
  withoutLabel: (c: Container, { name }: { name: string }) =>
    configure(c, { labels: dropPair(c.config.labels, name) }),
  withAnnotation: (c: Container, { name, value }: NameValue) =>
    configure(c, { annotations: setPair(c.config.annotations, name, value) }),
  withoutAnnotation: (c: Container, { name }: { name: string }) =>
    configure(c, { annotations: dropPair(c.config.annotations, name) }),
  exposedPorts: settled((c) => c.config.ports),
  withExposedPort: (
    c: Container,
    args: Pick<Port, "port" | "protocol" | "description"> & {
      experimentalSkipHealthcheck?: boolean | null
    },
  ) =>
    configure(c, {
      ports: [
        ...c.config.ports.filter((p) => p.port !== args.port || p.protocol !== args.protocol),
        {
          kind: "Port",
          port: args.port,
          protocol: args.protocol,
          description: args.description,
          experimentalSkipHealthcheck: !!args.experimentalSkipHealthcheck,
        },
      ],
    }),
  withoutExposedPort: (c: Container, args: Pick<Port, "port" | "protocol">) =>
    configure(c, {
      ports: c.config.ports.filter((p) => p.port !== args.port || p.protocol !== args.protocol),
    }),
  dockerHealthcheck: settled((c) => c.config.healthcheck ?? null),
  withDockerHealthcheck: (
    c: Container,
    args: { args: string[] } & Partial<Record<keyof Healthcheck, unknown>>,
  ) =>
    configure(c, {
      healthcheck: {
        kind: "HealthcheckConfig",
        args: args.args,
        shell: !!args.shell,
        interval: String(args.interval ?? ""),
        timeout: String(args.timeout ?? ""),
        startPeriod: String(args.startPeriod ?? ""),
        startInterval: String(args.startInterval ?? ""),
        retries: Number(args.retries ?? 0),
      },
    }),
  withoutDockerHealthcheck(c: Container): Container {
    const { healthcheck: _, ...config } = c.config
    return { ...c, config }
  },

  // Files
  rootfs: (c: Container) => rootfs(c),
  withRootfs: (c: Container, args: { directory: string }, session: Session) =>
    withRootfs(c, session.load("Directory", args.directory)),
  directory: (c: Container, { path, expand }: PathArgs) => directoryOf(c, path, expand),
  file: (c: Container, { path, expand }: PathArgs) => fileOf(c, path, expand),
  exists(
    c: Container,
    args: PathArgs & { expectedType?: string | null; doNotFollowSymlinks?: boolean | null },
    session: Session,
  ) {
    const at = fileOf(c, args.path, args.expand)
    return exists(session, { ...at, kind: "File" }, at.path, args)
  },
  stat(
    c: Container,
    args: { path: string; doNotFollowSymlinks?: boolean | null },
    session: Session,
  ) {
    const at = fileOf(c, args.path)
    return stat(session, at, at.path, !args.doNotFollowSymlinks)
  },
  withNewFile: (c: Container, args: Placed & { contents: string }) =>
    withNewFile(c, args.path, args.contents, args),
  withSymlink: (c: Container, args: Expandable & { target: string; linkName: string }) =>
    withSymlink(c, args.target, resolvePath(c, args.linkName, args.expand)),
  withDirectory: (
    c: Container,
    args: Placed & {
      source: string
      include?: string[] | null
      exclude?: string[] | null
      gitignore?: boolean | null
    },
    session: Session,
  ) => withDirectory(c, args.path, session.load("Directory", args.source), args),
  withFile: (c: Container, args: Placed & { source: string }, session: Session) =>
    withFile(c, args.path, session.load("File", args.source), args),
  withFiles: (c: Container, args: Placed & { sources: string[] }, session: Session) =>
    args.sources.reduce(
      (all, id) => withFile(all, `${args.path}/`, session.load("File", id), args),
      c,
    ),
  withoutFile: (c: Container, args: PathArgs) => without(c, args.path, args),
  withoutFiles: (c: Container, args: Expandable & { paths: string[] }) =>
    args.paths.reduce((all, p) => without(all, p, args), c),
  withoutDirectory: (c: Container, args: PathArgs) => without(c, args.path, args),

  // Mounts and secrets
  mounts: settled((c) => c.mounts.filter((m) => m.type !== "secret").map((m) => m.target)),
  withMountedDirectory: (
    c: Container,
    args: Placed & { source: string; readOnly?: boolean | null },
    session: Session,
  ) => withMountedDirectory(c, args.path, session.load("Directory", args.source), args),
  withMountedFile: (c: Container, args: Placed & { source: string }, session: Session) =>
    withMountedFile(c, args.path, session.load("File", args.source), args),
  withMountedCache(
    c: Container,
    args: Placed & { cache: string; source?: string | null; sharing?: Sharing | null },
    session: Session,
  ) {
    const { source, ...rest } = args
    return withMountedCache(c, args.path, session.load("CacheVolume", args.cache), {
      ...rest,
      source: source ? session.load("Directory", source) : null,
    })
  },
  withMountedTemp: (c: Container, args: PathArgs & { size?: number | null }) =>
    withMountedTemp(c, args.path, args),
  withMountedSecret: (
    c: Container,
    args: PathArgs & { source: string; owner?: string | null; mode?: number | null },
    session: Session,
  ) => withMountedSecret(c, args.path, session.load("Secret", args.source), args),
  withoutMount: (c: Container, { path, expand }: PathArgs) => withoutMount(c, path, expand),
  withSecretVariable: (
    c: Container,
    args: { name: string; secret: string },
    session: Session,
  ): Container => ({
    ...c,
    secretEnv: [
      ...c.secretEnv.filter((s) => s.name !== args.name),
      { name: args.name, secret: session.load("Secret", args.secret) },
    ],
  }),
  withoutSecretVariable: (c: Container, { name }: { name: string }): Container => ({
    ...c,
    secretEnv: c.secretEnv.filter((s) => s.name !== name),
  }),
  withRegistryAuth: (
    c: Container,
    args: { address: string; username: string; secret: string },
    session: Session,
  ): Container => ({
    ...c,
    registryAuth: [
      ...c.registryAuth.filter((a) => a.address !== args.address),
      {
        address: args.address,
        username: args.username,
        secret: session.load("Secret", args.secret),
      },
    ],
  }),
  withoutRegistryAuth: (c: Container, { address }: { address: string }): Container => ({
    ...c,
    registryAuth: c.registryAuth.filter((a) => a.address !== address),
  }),

  // Images
  async publish(c: Container, args: ImageArgs & { address: string }, session: Session) {
    if (c.error) throw new EngineError(c.error)
    const name = args.address.replace(/@sha256:.*$/, "")
    const tagged = /:[^/]+$/.test(name) ? name : `${name}:latest`
    const metadata = await session.engine.solver.export(
      session,
      c.fs,
      {
        type: "image",
        imageConfig: imageDocument(c),
        attrs: { ...imageAttributes(c, args), name: tagged, push: "true" },
      },
      await authOf(c, args.address),
    )
    const digest = metadata["containerimage.digest"]
    if (!digest) throw new EngineError(`the registry took ${tagged} but gave no digest`)
    return `${tagged}@${digest}`
  },
  async export(c: Container, args: ImageArgs & PathArgs, session: Session) {
    if (c.error) throw new EngineError(c.error)
    const dest = session.hostPath(args.path)
    await session.engine.solver.export(session, c.fs, {
      type: "oci",
      dest: path.resolve(dest),
      imageConfig: imageDocument(c),
      attrs: imageAttributes(c, args),
    })
    return dest
  },
}
