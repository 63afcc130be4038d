import {
  withMountedCache,
  withMountedDirectory,
  withMountedFile,
  withMountedSecret,
  withMountedTemp,
  withoutMount,
} from "../../graph/mounts.ts"
import type { Container, Sharing } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { resolveOwner } from "../owner.ts"
import type { Placed } from "./files.ts"

type PathArgs = { path: string; expand?: boolean | null }

/** What steps see and images do not hold: mounts, secrets, and the access to registries. */
export const mounts = {
  async mounts(c: Container, _: unknown, session: Session) {
    await session.settle(c)
    return c.mounts.filter((m) => m.type !== "secret").map((m) => m.target)
  },
  async withMountedDirectory(
    c: Container,
    args: Placed & { source: string; readOnly?: boolean | null },
    session: Session,
  ) {
    const opts = await resolveOwner(session, c, args)
    return withMountedDirectory(c, args.path, session.load("Directory", args.source), opts)
  },
  async withMountedFile(c: Container, args: Placed & { source: string }, session: Session) {
    const opts = await resolveOwner(session, c, args)
    return withMountedFile(c, args.path, session.load("File", args.source), opts)
  },
  async withMountedCache(
    c: Container,
    args: Placed & { cache: string; source?: string | null; sharing?: Sharing | null },
    session: Session,
  ) {
    const volume = session.load("CacheVolume", args.cache)
    const owner = args.owner || volume.owner
    const opts = await resolveOwner(session, c, { ...args, owner })
    const source = args.source ? session.load("Directory", args.source) : null
    return withMountedCache(c, args.path, volume, { ...opts, source })
  },
  withMountedTemp: (c: Container, args: PathArgs & { size?: number | null }) =>
    withMountedTemp(c, args.path, args),
  async withMountedSecret(
    c: Container,
    args: PathArgs & { source: string; owner?: string | null; mode?: number | null },
    session: Session,
  ) {
    const opts = await resolveOwner(session, c, args)
    return withMountedSecret(c, args.path, session.load("Secret", args.source), opts)
  },
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
}
