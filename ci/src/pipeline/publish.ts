import type { Container, Directory, Secret } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import { tagTaken } from "../errors.ts"
import { repositoryName } from "../project/imageName.ts"
import type { Plan } from "../project/plan.ts"
import { platformsOf } from "../project/platform.ts"
import type { PassedCheck } from "../project/release.ts"
import { decideTags, firstTag, type Tags } from "../project/tags.ts"
import { checksOf } from "./checks.ts"
import { judgeAll, runTold } from "./ci.ts"
import { describe } from "./describe.ts"
import { image } from "./image.ts"
import type { CacheOptions } from "./layerCache.ts"
import { type Origin, repositoryOf } from "./origin.ts"
import { requirePlatform } from "./platform.ts"
import { pushed } from "./push.ts"
import { type Login, loginOf, registry } from "./registry.ts"
import { patiently } from "./retry.ts"
import { refuseSecrets } from "./scan.ts"
import { type Signer, secretsOf } from "./signer.ts"

/** What `publish` is asked for. */
export interface PublishOptions extends Origin, Pick<CacheOptions, "cacheLogin" | "cacheKey"> {
  registry: string
  tags: readonly string[]
  username?: string | undefined
  password?: Secret | undefined
  branch?: string | undefined
  platforms: readonly string[]
  skipChecks: boolean
  allowNoTests: boolean
  python?: string | undefined
  indexCredentials?: Secret | undefined
  signer?: Signer | undefined
  /** More secrets of the run that no image may have, by their flags. */
  secrets?: Readonly<Record<string, Secret | undefined>>
}

/**
 * Tests, makes the image, uploads it, says beside it what it is and, as the last thing, gives it its tags.
 * Nothing is uploaded before the checks are green, and nobody sees the image before it is complete.
 *
 * @returns `name:tag@sha256:…`
 */
export async function publish(
  plan: Plan,
  source: Directory,
  options: PublishOptions,
): Promise<string> {
  const started = new Date()
  const name = repositoryName(options.registry)
  const { revision, branch } = options
  const version = plan.production.labels.version
  const tags = decideTags({ asked: options.tags, revision, version, branch })
  const login = await loginOf(options.username, options.password)
  // Tests may take long; that the password is wrong should be known before.
  await registry(["check", name], { login })
  const [checks, variants] = await Promise.all([
    options.skipChecks ? [] : passed(source, options),
    variantsOf(plan, source, options),
  ])
  const images = Object.values(variants)
  for (const each of images) {
    await refuseSecrets(each, {
      password: options.password,
      "index-credentials": options.indexCredentials,
      ...secretsOf(options.signer),
      "cache-login": options.cacheLogin,
      "cache-key": options.cacheKey,
      ...options.secrets,
    })
  }
  const digest = await pushed(images, name, plan.python, login)
  const repository = repositoryOf(options)
  const { signer, skipChecks } = options
  await describe(plan, variants, {
    ...{ name, digest, tags, checks, checksSkipped: skipChecks, started, login },
    ...{ revision, branch, repository, version, signer },
  })
  await putTags(name, digest, tags, login)
  return `${name}:${firstTag(tags)}@${digest}`
}

/** The checks that have to be green: those of `ci`. Throws the table of them where one is not. */
async function passed(source: Directory, options: PublishOptions): Promise<PassedCheck[]> {
  const { python, allowNoTests, indexCredentials } = options
  const checked = await runTold(checksOf(source, { python, allowNoTests, indexCredentials }))
  judgeAll(checked)
  return checked.map(({ result: { check, outcome, summary } }) => ({ check, outcome, summary }))
}

/** The image for each machine type. */
async function variantsOf(
  plan: Plan,
  source: Directory,
  options: PublishOptions,
): Promise<Record<string, Container>> {
  const platforms = platformsOf(options.platforms)
  await Promise.all(platforms.map((platform) => requirePlatform(platform, plan.python)))
  const plans =
    platforms.length === 0 ? [plan] : platforms.map((platform) => ({ ...plan, platform }))
  const made = await Promise.all(
    plans.map(async (each) => {
      const variant = await patiently(() => image(each, source, options))
      return [each.platform ?? (await variant.platform()), variant] as const
    }),
  )
  return Object.fromEntries(made)
}

async function putTags(
  name: string,
  digest: string,
  { move, stay, keep }: Tags,
  login: Login | undefined,
): Promise<void> {
  const args = [
    ...move.flatMap((tag) => ["--move", tag]),
    ...stay.flatMap((tag) => ["--stay", tag]),
    ...keep.flatMap((tag) => ["--keep", tag]),
  ]
  const { tags } = await registry<{ tags: { tag: string; result: string; was?: string }[] }>(
    ["tag", `${name}@${digest}`, ...args],
    { login },
  )
  const taken = tags.filter(({ result }) => result === "taken")
  if (taken.length > 0) throw tagTaken(name, taken, digest)
  for (const { tag, was } of tags.filter(({ result }) => result === "kept")) {
    notice(`${name}:${tag} stays where it is, on ${was}: raise the version to publish another one`)
  }
}
