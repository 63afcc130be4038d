import { randomUUID } from "node:crypto"
import type { Container, Directory, Secret } from "@dagger.io/dagger"
import { notice } from "../caller.ts"
import {
  internal,
  type PublishTrouble,
  packageNotPublished,
  secretInPackage,
  usage,
  versionUntold,
} from "../errors.ts"
import { type PackageIndex, packageIndex, portable } from "../project/packageIndex.ts"
import type { Plan } from "../project/plan.ts"
import { packageProgram } from "./asset.ts"
import { built, whyNoPackage } from "./build.ts"
import { noticeOf } from "./check.ts"
import { checksOf } from "./checks.ts"
import { judgeAll, runTold } from "./ci.ts"
import { files } from "./files.ts"
import { findSecrets } from "./scan.ts"
import { HOME, toolbox } from "./toolbox.ts"

const PROGRAMS = `${HOME}/programs`
const RUN = "/run/pyline"
const [DIST, UNPACKED, OUTPUT] = ["/dist", "/unpacked", "/published.json"]

/** Checks of `ci` that run before; the build is the one that is published. */
const BEFORE = ["lock", "lint", "format", "types", "test"]

/** What `publishPackage` is asked for. */
export interface PublishPackageOptions {
  index: string
  simple?: string | undefined
  username?: string | undefined
  token?: Secret | undefined
  /** An identity that the CI host issued for the index (GitLab). */
  identity?: Secret | undefined
  /** Where the CI host issues identities, and with what (GitHub). */
  identityUrl?: Secret | undefined
  identityToken?: Secret | undefined
  version?: string | undefined
  skipChecks: boolean
  allowNoTests: boolean
  python?: string | undefined
  indexCredentials?: Secret | undefined
}

/**
 * Builds and checks the sdist and the wheel, and uploads what of them the index does not have yet.
 *
 * @returns what is published and where, a file a line with its digest
 */
export async function publishPackage(
  plan: Plan,
  source: Directory,
  options: PublishPackageOptions,
): Promise<string> {
  const index = packageIndex(options.index, options.simple)
  const { token, identity, identityUrl, identityToken, version, indexCredentials } = options
  if (token === undefined && identity === undefined && !(identityUrl && identityToken))
    throw usage(
      "nothing says who publishes",
      "give --token env:NAME, or for trusted publishing --identity-url and --identity-token (GitHub) or --identity (GitLab)",
    )
  if (plan.build === undefined)
    throw usage(
      `there is nothing to publish: ${whyNoPackage(plan)}`,
      "describe the package in pyproject.toml",
    )
  if (plan.build.standIn !== undefined && version === undefined)
    throw versionUntold(plan.build.standIn)
  const { python, allowNoTests } = options
  const [made] = await Promise.all([
    built(plan, source, { version, indexCredentials }),
    options.skipChecks
      ? undefined
      : runTold(checksOf(source, { python, allowNoTests, indexCredentials }, BEFORE)).then(
          judgeAll,
        ),
  ])
  notice(noticeOf(made.result))
  await refuseSecrets(made.dist, { token, "index-credentials": indexCredentials })
  const names = await made.dist.entries()
  const { files: chosen, left } = portable(names, index)
  for (const name of left)
    notice(`${name} is left out: it fits this machine only, and the index refuses such wheels`)
  const published = await upload(
    made.dist.filter({ include: chosen }),
    projectOf(chosen),
    index,
    options,
  )
  return [
    `published at ${index.simple}${projectOf(chosen)}/`,
    ...published.map(({ name, sha256, state }) => `${name}  sha256:${sha256}  ${state}`),
  ].join("\n")
}

/** The name of the project as indexes have it, which stands before the first dash of its files. */
const projectOf = (names: readonly string[]): string =>
  (
    /^(.+)-[^-]+\.(?:tar\.gz|zip)$/.exec(names.find((name) => !name.endsWith(".whl")) ?? "")?.[1] ??
    ""
  )
    .toLowerCase()
    .replace(/[-_.]+/g, "-")

async function refuseSecrets(
  dist: Directory,
  secrets: Readonly<Record<string, Secret | undefined>>,
): Promise<void> {
  const unpacked = programs()
    .withMountedDirectory(DIST, dist)
    .withExec(["python", "-B", "-m", "package_index.unpack", DIST, UNPACKED])
    .directory(UNPACKED)
  const found = await findSecrets(unpacked, {}, secrets)
  if (found.length > 0) throw secretInPackage(found)
}

interface Published {
  name: string
  sha256: string
  state: string
}

async function upload(
  dist: Directory,
  name: string,
  index: PackageIndex,
  options: PublishPackageOptions,
): Promise<Published[]> {
  let container = programs()
    .withMountedDirectory(DIST, dist)
    // What an index says is not what it said before.
    .withEnvVariable("PYLINE_REQUEST", randomUUID())
  const args: string[] = options.username === undefined ? [] : ["--username", options.username]
  const { token, identity, identityUrl, identityToken } = options
  const secrets = {
    password: token,
    identity,
    "identity-url": identityUrl,
    "identity-token": identityToken,
  }
  for (const [flag, secret] of Object.entries(secrets)) {
    if (secret === undefined) continue
    container = container.withMountedSecret(`${RUN}/${flag}`, secret)
    args.push(`--${flag}-file`, `${RUN}/${flag}`)
  }
  const done = container.withExec([
    ...["python", "-B", "-m", "package_index", DIST, "--name", name],
    ...["--upload", index.upload, "--simple", index.simple, "--output", OUTPUT, ...args],
  ])
  const answer = parseAnswer(await done.file(OUTPUT).contents())
  if (!answer.ok) throw packageNotPublished(answer.kind, answer.message)
  return answer.files
}

/** The toolbox with the programs that talk to an index. */
const programs = (): Container =>
  toolbox()
    .withMountedDirectory(
      PROGRAMS,
      files({ ...packageProgram("registry"), ...packageProgram("package_index") }),
    )
    .withEnvVariable("PYTHONPATH", PROGRAMS)
    .withEnvVariable("PATH", `${HOME}/tools/bin:/usr/local/bin:/usr/bin:/bin`)

type Answer =
  | { ok: true; files: Published[] }
  | { ok: false; kind: PublishTrouble; message: string }

function parseAnswer(text: string): Answer {
  try {
    const answer = JSON.parse(text)
    if (answer.schema === 1 && typeof answer.ok === "boolean") return answer
  } catch {}
  throw internal("the program that publishes wrote no answer", text.split("\n").slice(0, 5))
}
