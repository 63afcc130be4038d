import { randomUUID } from "node:crypto"
import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { internal, keyInvalid } from "../errors.ts"
import { DEFAULT } from "../project/python.ts"
import { packageProgram } from "./asset.ts"
import { files } from "./files.ts"
import { HOME, pythonImage } from "./toolbox.ts"

const PROGRAMS = `${HOME}/programs`
const INPUT = "/opt/input"
const OUTPUT = "/opt/output"
const RESULT = `${OUTPUT}/result.json`
const KEY = "/run/pyline/key"
const PASSWORD = "/run/pyline/key-password"

/** For keys that cosign has encrypted: NaCl's secretbox is in neither Python nor openssl. */
const PYNACL = "1.6.2"

/** A private key and, where it is behind one, its password. */
export interface SigningKey {
  key: Secret
  password?: Secret | undefined
}

/** A bundle that speaks of an image and is signed with the key. */
export interface Signed {
  predicateType: string
  predicate: unknown
}

/**
 * Signs in-toto statements, by names of files without their ending: `NAME.sigstore.json` in the directory it gives.
 *
 * @throws KEY_INVALID
 */
export async function sign(
  statements: Readonly<Record<string, unknown>>,
  { key, password }: SigningKey,
): Promise<Directory> {
  const encrypted = /BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY/.test(await key.plaintext())
  const texts = Object.entries(statements).map(([name, statement]) => [
    `${name}.json`,
    JSON.stringify(statement),
  ])
  let container = (await signer(encrypted))
    .withMountedDirectory(INPUT, files(Object.fromEntries(texts)))
    .withMountedSecret(KEY, key)
  if (password !== undefined) container = container.withMountedSecret(PASSWORD, password)
  const done = container.withExec([
    ...["python", "-B", "-m", "signing", "sign", KEY],
    ...[password === undefined ? "" : PASSWORD, RESULT],
    ...texts.map(([name]) => `${INPUT}/${name}`),
  ])
  parse(await done.file(RESULT).contents())
  return done.directory(OUTPUT)
}

/**
 * Which of the bundles in a directory are signed with a public key (PEM) and speak of a digest.
 *
 * @throws KEY_INVALID
 */
export async function verifyBundles(
  bundles: Directory,
  names: readonly string[],
  publicKey: string,
  digest: string,
): Promise<{ key: string; good: Signed[]; bad: { file: string; why: string }[] }> {
  const done = (await signer(false))
    .withMountedDirectory(INPUT, bundles)
    .withMountedDirectory(KEY, files({ "key.pub": publicKey }))
    .withExec([
      ...["python", "-B", "-m", "signing", "verify", `${KEY}/key.pub`, digest, RESULT],
      ...names.map((name) => `${INPUT}/${name}`),
    ])
  return parse(await done.file(RESULT).contents())
}

async function signer(cosign: boolean): Promise<Container> {
  let container = dag
    .container()
    .from(pythonImage(DEFAULT))
    .withMountedDirectory(PROGRAMS, files(packageProgram("signing")))
    .withEnvVariable("PYTHONPATH", PROGRAMS)
    .withNewFile(`${OUTPUT}/.keep`, "")
  if (cosign) {
    const target = `${HOME}/nacl`
    container = container
      .withExec([
        ...["python", "-m", "pip", "install", "--no-cache-dir", "--disable-pip-version-check"],
        ...["--root-user-action=ignore", "--retries=2", "--target", target, `pynacl==${PYNACL}`],
      ])
      .withEnvVariable("PYTHONPATH", `${PROGRAMS}:${target}`)
  }
  // A signature is made with the key that is given now, whatever an earlier one was called.
  return container.withEnvVariable("PYLINE_REQUEST", randomUUID())
}

function parse<T>(text: string): T {
  let answer: (T & { ok: boolean; message?: string }) | undefined
  try {
    answer = JSON.parse(text)
  } catch {}
  if (typeof answer?.ok !== "boolean")
    throw internal("the signing program wrote no answer", text.split("\n").slice(0, 5))
  if (!answer.ok) throw keyInvalid(answer.message ?? "")
  return answer
}
