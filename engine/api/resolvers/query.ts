import { scratch } from "../../graph/container.ts"
import { empty, newFile } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import { parsePlatform } from "../../graph/platform.ts"
import { secretFromUri, setSecret } from "../../graph/secret.ts"
import type { CacheVolume, EnvFile, ErrorNote, Host, Sharing, Value } from "../../graph/values.ts"
import { defaultPlatform } from "../../llb/vertex.ts"
import type { Session } from "../context.ts"

/** The release of Dagger whose answers the embedded engine gives. */
const API_VERSION = "v0.21.8"

type LoadArgs = { id: string }

const load =
  (kind: Value["kind"]) =>
  (_: unknown, { id }: LoadArgs, session: Session) =>
    session.load(kind, id)

export const query = {
  version: () => API_VERSION,
  defaultPlatform: () => defaultPlatform,

  container(_: unknown, { platform }: { platform?: string | null }) {
    return scratch(platform ? parsePlatform(platform) : defaultPlatform)
  },
  directory: () => empty(),
  file(
    _: unknown,
    { name, contents, permissions }: { name: string; contents: string; permissions?: number },
  ) {
    if (name.includes("/")) {
      throw new EngineError(`file name ${JSON.stringify(name)} must not contain a directory`)
    }
    return newFile(name, contents, permissions)
  },

  cacheVolume(
    _: unknown,
    args: { key: string; source?: string | null; sharing?: Sharing | null; owner?: string | null },
    session: Session,
  ): CacheVolume {
    return {
      kind: "CacheVolume",
      key: args.key,
      owner: args.owner ?? "",
      ...(args.source && { source: session.load("Directory", args.source) }),
      ...(args.sharing && { sharing: args.sharing }),
    }
  },

  setSecret(
    _: unknown,
    { name, plaintext }: { name: string; plaintext: string },
    session: Session,
  ) {
    session.mask.add(plaintext)
    return setSecret(name, plaintext)
  },
  secret: (
    _: unknown,
    { uri, cacheKey }: { uri: string; cacheKey?: string | null },
    session: Session,
  ) => secretFromUri(uri, cacheKey, session.engine.salt, session.askSecret),

  error: (_: unknown, { message }: { message: string }): ErrorNote => ({
    kind: "Error",
    message,
    values: [],
  }),
  envFile: (): EnvFile => ({ kind: "EnvFile", variables: [] }),
  host: (): Host => ({ kind: "Host" }),
  node: (_: unknown, { id }: LoadArgs, session: Session) => session.value(id),

  loadCacheVolumeFromID: load("CacheVolume"),
  loadContainerFromID: load("Container"),
  loadDirectoryFromID: load("Directory"),
  loadChangesetFromID: load("Changeset"),
  loadErrorFromID: load("Error"),
  loadErrorValueFromID: load("ErrorValue"),
  loadEnvFileFromID: load("EnvFile"),
  loadEnvVariableFromID: load("EnvVariable"),
  loadFileFromID: load("File"),
  loadHealthcheckConfigFromID: load("HealthcheckConfig"),
  loadHostFromID: load("Host"),
  loadLabelFromID: load("Label"),
  loadPortFromID: load("Port"),
  loadSearchResultFromID: load("SearchResult"),
  loadSearchSubmatchFromID: load("SearchSubmatch"),
  loadSecretFromID: load("Secret"),
  loadServiceFromID: load("Service"),
  loadStatFromID: load("Stat"),
}
