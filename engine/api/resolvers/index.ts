import type { ErrorNote } from "../../graph/values.ts"
import type { Session } from "../context.ts"
import { changeset } from "./changeset.ts"
import { container } from "./container.ts"
import { directory } from "./directory.ts"
import { envFile } from "./envfile.ts"
import { file } from "./file.ts"
import { host } from "./host.ts"
import { query } from "./query.ts"
import { secret } from "./secret.ts"
import { hostServices, service } from "./service.ts"

// Arguments were checked against the schema: each resolver states what it takes.
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Resolver = (value: any, args: any, session: Session) => unknown

export const resolvers: Record<string, Record<string, Resolver>> = {
  Query: query,
  Host: { ...host, ...hostServices },
  Directory: directory,
  File: file,
  Container: container,
  Changeset: changeset,
  EnvFile: envFile,
  Error: {
    withValue: (e: ErrorNote, { name, value }: { name: string; value: string }): ErrorNote => ({
      ...e,
      values: [...e.values, { kind: "ErrorValue", name, value }],
    }),
  },
  Secret: secret,
  Service: service,
}
