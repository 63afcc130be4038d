import { randomUUID } from "node:crypto"
import { type Container, type Directory, dag, type Secret } from "@dagger.io/dagger"
import { internal, secretInImage } from "../errors.ts"
import { DEFAULT } from "../project/python.ts"
import { packageProgram } from "./asset.ts"
import { files } from "./files.ts"
import { HOME, pythonImage } from "./toolbox.ts"

const PROGRAMS = `${HOME}/programs`
const CONFIG = "/opt/config"
const SECRETS = "/run/pyline/secrets"
const OUTPUT = "/opt/scan.json"

/**
 * Fails where a secret of the run can be found in an image: in its files, their names, its variables, labels or command.
 *
 * @param secrets by the flags they were given with
 * @throws SECRET_IN_IMAGE
 */
export async function refuseSecrets(
  image: Container,
  secrets: Readonly<Record<string, Secret | undefined>>,
): Promise<void> {
  const found = await findSecrets(image.rootfs(), await textsOf(image), secrets)
  if (found.length > 0) throw secretInImage(found)
}

/** Where secrets are in a directory and in texts, which have names. */
export async function findSecrets(
  root: Directory,
  texts: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, Secret | undefined>>,
): Promise<Found[]> {
  const given = Object.entries(secrets).flatMap(([flag, secret]) =>
    secret === undefined ? [] : ([[flag, secret]] as const),
  )
  if (given.length === 0) return []
  let scanner = dag
    .container()
    .from(pythonImage(DEFAULT))
    .withMountedDirectory("/image", root)
    .withMountedDirectory(PROGRAMS, files(packageProgram("scan")))
    .withEnvVariable("PYTHONPATH", PROGRAMS)
    .withMountedDirectory(CONFIG, files({ "texts.json": JSON.stringify(texts) }))
    // A secret is no part of a key: with another one the answer may be another.
    .withEnvVariable("PYLINE_REQUEST", randomUUID())
  for (const [flag, secret] of given)
    scanner = scanner.withMountedSecret(`${SECRETS}/${flag}`, secret)
  const text = await scanner
    .withExec([
      ...["python", "-B", "-m", "scan", "/image"],
      ...[`${CONFIG}/texts.json`, SECRETS, OUTPUT],
    ])
    .file(OUTPUT)
    .contents()
  return parseScan(text)
}

/** What an image says beside its files. */
async function textsOf(image: Container): Promise<Record<string, string>> {
  const [variables, labels, command, entrypoint] = await Promise.all([
    image.envVariables(),
    image.labels(),
    image.defaultArgs(),
    image.entrypoint(),
  ])
  const named = async (kind: string, pair: { name(): Promise<string>; value(): Promise<string> }) =>
    [`the ${kind} ${await pair.name()}`, await pair.value()] as const
  return Object.fromEntries([
    ...(await Promise.all(variables.map((variable) => named("variable", variable)))),
    ...(await Promise.all(labels.map((label) => named("label", label)))),
    ["its command", [...entrypoint, ...command].join(" ")],
  ])
}

interface Found {
  secret: string
  where: string
  form: string
}

function parseScan(text: string): Found[] {
  try {
    const result = JSON.parse(text)
    if (result.schema === 1 && Array.isArray(result.found)) return result.found
  } catch {}
  throw internal("the scan for secrets wrote no result", text.split("\n").slice(0, 5))
}
