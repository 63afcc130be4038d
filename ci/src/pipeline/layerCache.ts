import { createHash } from "node:crypto"
import { type Container, dag, type Platform, type Secret } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { PylineError, usage } from "../errors.ts"
import { hostOf, repositoryName } from "../project/imageName.ts"
import { type Login, loggedIn, registry } from "./registry.ts"

/** Dependency layers in a registry, for engines that begin empty. */
interface LayerCache {
  name: string
  login: Login | undefined
  /** Whoever has it vouches for what it writes, and reads nothing that nobody vouches for. */
  key: Secret | undefined
}

/** What a user says of the cache: flags of the verbs. */
export interface CacheOptions {
  cache?: string | undefined
  cacheLogin?: Secret | undefined
  cacheKey?: Secret | undefined
}

// A process serves one call of one verb, and everything that the verb installs goes through the one cache.
let current: LayerCache | undefined

/** From here on dependency layers are looked for in the cache that a user asked for, if any. */
export async function useCache({ cache, cacheLogin, cacheKey }: CacheOptions): Promise<void> {
  current = undefined
  if (cache === undefined) return
  current = { name: repositoryName(cache), login: await cacheLoginOf(cacheLogin), key: cacheKey }
}

/** As above, but for images that others run: only what somebody vouches for. */
export async function useVouchedCache(options: CacheOptions): Promise<void> {
  const isVouched = options.cache === undefined || options.cacheKey !== undefined
  if (!isVouched)
    notice("--cache is not used for what is published: without --cache-key nobody vouches for it")
  await useCache(isVouched ? options : {})
}

async function cacheLoginOf(secret: Secret | undefined): Promise<Login | undefined> {
  if (secret === undefined) return undefined
  const [, username, password] = /^([^:]*):(.*)$/s.exec((await secret.plaintext()).trim()) ?? []
  if (username === undefined || password === undefined) {
    throw usage("--cache-login has no colon", "give it as user:password")
  }
  return { username, password: dag.setSecret("pyline-cache-password", password) }
}

/**
 * The layer that an earlier run made of the same inputs, if it is in the cache. Else it is made and, by those who vouch for
 * it, written there.
 */
export async function fromCache(
  inputs: () => Promise<unknown>,
  platform: string | undefined,
  made: Container,
): Promise<Container | undefined> {
  if (current === undefined) return undefined
  const cache = current
  const key = createHash("sha256")
    .update(JSON.stringify(await inputs()))
    .digest("hex")
  const tag = `deps-${key.slice(0, 40)}`
  const found = await orNotice("could not be read", () => pulled(cache, tag, platform))
  const { key: vouching } = cache
  if (found !== undefined || vouching === undefined) return found
  await made.sync()
  await orNotice("could not be written", () => stored(cache, tag, made, vouching))
  return undefined
}

/** An entry, with all of its layers here. */
async function pulled(
  { name, login, key }: LayerCache,
  tag: string,
  platform: string | undefined,
): Promise<Container | undefined> {
  const { digest } = await asked<{ digest: string | null }>(["find", `${name}:${tag}`], login, key)
  if (digest === null) return undefined
  const empty =
    platform === undefined ? dag.container() : dag.container({ platform: platform as Platform })
  return await loggedIn(empty, hostOf(name), login).from(`${name}@${digest}`).sync()
}

async function stored(
  { name, login }: LayerCache,
  tag: string,
  made: Container,
  key: Secret,
): Promise<void> {
  const ref = await loggedIn(made, hostOf(name), login).publish(`${name}:pyline-upload`)
  const [, digest] = /@(sha256:[0-9a-f]{64})$/.exec(ref) ?? []
  await asked(["vouch", `${name}@${digest}`, tag], login, key)
}

/** A cache that is away is no reason to wait for long. */
const asked = <T>(command: string[], login: Login | undefined, secret: Secret | undefined) =>
  registry<T>([...command, "--attempts", "2"], { login, secret })

const told = new Set<string>()

/** A run must not be red because its cache is away: what is not there is made. */
async function orNotice<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const [first = ""] = (error instanceof Error ? error.message : String(error)).split("\n")
    const why = error instanceof PylineError ? first.replace(/^error\[[A-Z_]+\]: /, "") : first
    const text = `the cache ${what}, so the run goes on without it: ${why}`
    if (!told.has(text)) notice(text)
    told.add(text)
    return undefined
  }
}
