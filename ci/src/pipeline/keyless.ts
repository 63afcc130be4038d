import { randomUUID } from "node:crypto"
import { type Container, type Directory, dag, type File, type Secret } from "@dagger.io/dagger"
import { internal, type KeylessTrouble, keylessFailed } from "../errors.ts"
import { DEFAULT } from "../project/python.ts"
import { asset, packageProgram } from "./asset.ts"
import { files } from "./files.ts"
import type { Signed } from "./signing.ts"
import { HOME, pythonImage } from "./toolbox.ts"

const PROGRAMS = `${HOME}/programs`
const INPUT = "/opt/input"
const OUTPUT = "/opt/output"
const RESULT = `${OUTPUT}/result.json`
const SECRETS = "/run/pyline"
const CONFIGURATION = "/opt/sigstore.json"

/** Who a CI host says that this run is: a token that it issued, or where it issues one and with what. */
export interface SigningIdentity {
  /** A token for the audience `sigstore` (GitLab). */
  identity?: Secret | undefined
  /** Address and bearer of the host's service for tokens (GitHub). */
  identityUrl?: Secret | undefined
  identityToken?: Secret | undefined
  /** Client trust configuration of a Sigstore that is not the public one. */
  sigstore?: File | undefined
}

/** Who is expected to have signed. */
export interface ExpectedSigner {
  /** As the certificate names it; `*` stands for any characters. */
  identity: string
  issuer: string
  sigstore?: File | undefined
}

/** A bundle that counts, and who signed it. */
export interface SignedBy extends Signed {
  identity: string
  issuer: string
}

/**
 * Signs in-toto statements, by names of files without their ending: `NAME.sigstore.json` in the directory.
 *
 * @throws IDENTITY_REFUSED, SIGSTORE_INVALID, SIGNING_FAILED
 */
export async function signKeyless(
  statements: Readonly<Record<string, unknown>>,
  { identity, identityUrl, identityToken, sigstore }: SigningIdentity,
): Promise<{ bundles: Directory; identity: string; issuer: string }> {
  const texts = Object.entries(statements).map(([name, statement]) => [
    `${name}.json`,
    JSON.stringify(statement),
  ])
  const secrets = Object.entries({
    "identity-file": identity,
    "identity-url-file": identityUrl,
    "identity-token-file": identityToken,
  })
  const args: string[] = []
  let container = sigstoreTool(sigstore).withMountedDirectory(
    INPUT,
    files(Object.fromEntries(texts)),
  )
  for (const [flag, secret] of secrets) {
    if (secret === undefined) continue
    container = container.withMountedSecret(`${SECRETS}/${flag}`, secret)
    args.push(`--${flag}`, `${SECRETS}/${flag}`)
  }
  const done = run(container, "sign", [
    ...args,
    ...trust(sigstore),
    ...texts.map(([name]) => `${INPUT}/${name}`),
  ])
  const answer = parse<{ identity: string; issuer: string }>(await done.file(RESULT).contents())
  return { bundles: done.directory(OUTPUT), identity: answer.identity, issuer: answer.issuer }
}

/**
 * Which of the bundles in a directory were signed by the one that is expected, and speak of a digest.
 *
 * @throws SIGSTORE_INVALID, SIGNING_FAILED
 */
export async function verifyKeyless(
  bundles: Directory,
  names: readonly string[],
  { identity, issuer, sigstore }: ExpectedSigner,
  digest: string,
): Promise<{ good: SignedBy[]; bad: { file: string; why: string }[] }> {
  if (names.length === 0) return { good: [], bad: [] }
  const done = run(sigstoreTool(sigstore).withMountedDirectory(INPUT, bundles), "verify", [
    ...["--identity", identity, "--issuer", issuer, "--digest", digest],
    ...trust(sigstore),
    ...names.map((name) => `${INPUT}/${name}`),
  ])
  return parse(await done.file(RESULT).contents())
}

const trust = (sigstore: File | undefined): string[] =>
  sigstore === undefined ? [] : ["--sigstore", CONFIGURATION]

/** Python with Sigstore's own library, each file of which is known by its hash. */
function sigstoreTool(sigstore: File | undefined): Container {
  const libraries = `${HOME}/sigstore`
  const container = dag
    .container()
    .from(pythonImage(DEFAULT))
    .withMountedDirectory(
      `${HOME}/locks`,
      files({ "signing.txt": asset("signing/requirements.txt") }),
    )
    .withExec([
      ...["python", "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"],
      ...["--root-user-action=ignore", "--retries=2", "--only-binary=:all:", "--require-hashes"],
      ...["--target", libraries, "-r", `${HOME}/locks/signing.txt`],
    ])
    .withMountedDirectory(
      PROGRAMS,
      files({ ...packageProgram("registry"), ...packageProgram("signing") }),
    )
    .withEnvVariable("PYTHONPATH", `${PROGRAMS}:${libraries}`)
    .withNewFile(`${OUTPUT}/.keep`, "")
  return sigstore === undefined ? container : container.withMountedFile(CONFIGURATION, sigstore)
}

const run = (container: Container, command: "sign" | "verify", args: string[]): Container =>
  container
    // Certificates are given for minutes, and trust changes: nothing of it is what it was before.
    .withEnvVariable("PYLINE_REQUEST", randomUUID())
    .withExec([...["python", "-B", "-m", "signing.keyless", command, "--output", RESULT], ...args])

function parse<T>(text: string): T {
  let answer: (T & { ok: boolean; kind?: KeylessTrouble; message?: string }) | undefined
  try {
    answer = JSON.parse(text)
  } catch {}
  if (typeof answer?.ok !== "boolean")
    throw internal("the signing program wrote no answer", text.split("\n").slice(0, 5))
  if (!answer.ok) throw keylessFailed(answer.kind ?? "unreachable", answer.message ?? "")
  return answer
}
