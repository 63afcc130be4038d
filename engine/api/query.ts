import { readFileSync } from "node:fs"
import {
  buildSchema,
  type DocumentNode,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLObjectType,
  isObjectType,
  parse,
  execute as run,
  type SelectionSetNode,
  validate,
} from "graphql"
import { unsupported } from "../graph/directory.ts"
import { EngineError, ExecFailure } from "../graph/errors.ts"
import type { Mask } from "../graph/mask.ts"
import type { Value } from "../graph/values.ts"
import type { Session } from "./context.ts"
import { resolvers } from "./resolvers/index.ts"

const MOST_TOKENS = 200_000
/** An SDK nests one level a call; longer chains than this are a mistake or an attack. */
const DEEPEST = 2000

const sdl = readFileSync(new URL("./schema.graphql", import.meta.url), "utf8")
const schema = buildSchema(sdl, { assumeValidSDL: true })
for (const type of Object.values(schema.getTypeMap())) {
  if (!isObjectType(type) || type.name.startsWith("__")) continue
  attach(type)
}
for (const name of ["Node", "Syncer", "Exportable"]) {
  const type = schema.getType(name)
  if (type && "resolveType" in type) type.resolveType = (value: Value) => value.kind
}

function attach(type: GraphQLObjectType): void {
  const own = resolvers[type.name] ?? {}
  for (const field of Object.values(type.getFields())) {
    const resolve = own[field.name] ?? (field.name === "id" ? idOf : undefined)
    if (!resolve) continue
    field.resolve = (value, args, session) => {
      // What was marked as wrong fails wherever it is used, and so does what is made of it.
      if (value?.error) throw new EngineError(value.error)
      return resolve(value as never, args as never, session)
    }
  }
}

function idOf(value: Value, _: unknown, session: Session): string {
  return session.idOf(value)
}

/** Answers one GraphQL request. Never throws: what is wrong is in `errors`. */
export async function execute(
  session: Session,
  query: string,
  variables?: Record<string, unknown> | null,
): Promise<FormattedExecutionResult> {
  let document: DocumentNode
  try {
    document = parse(query, { maxTokens: MOST_TOKENS, noLocation: false })
    checkDepth(document)
  } catch (error) {
    return { errors: [describe(error as Error)] }
  }
  const problems = validate(schema, document)
  if (problems.length > 0) return { errors: problems.map((p) => describe(p)) }
  const result = await run({
    schema,
    document,
    contextValue: session,
    rootValue: {},
    variableValues: variables ?? {},
  })
  return {
    ...(result.data !== undefined && { data: result.data }),
    ...(result.errors && { errors: result.errors.map((e) => hide(describe(e), session.mask)) }),
  }
}

function checkDepth(document: DocumentNode): void {
  const depth = (set: SelectionSetNode | undefined, at: number): void => {
    if (at > DEEPEST) throw new GraphQLError(`the query is nested deeper than ${DEEPEST} levels`)
    for (const s of set?.selections ?? []) if ("selectionSet" in s) depth(s.selectionSet, at + 1)
  }
  for (const definition of document.definitions) {
    if ("selectionSet" in definition) depth(definition.selectionSet, 0)
  }
}

interface Described {
  message: string
  path?: readonly (string | number)[]
  extensions?: Record<string, unknown>
}

/** Errors are made to be shown. The command in one stays as it is: that is the client's own text. */
function hide(error: Described, mask: Mask): Described {
  const { extensions } = error
  const shown = (name: string) =>
    typeof extensions?.[name] === "string" && { [name]: mask.text(extensions[name]) }
  return {
    ...error,
    message: mask.text(error.message),
    ...(extensions && { extensions: { ...extensions, ...shown("stdout"), ...shown("stderr") } }),
  }
}

function describe(error: Error): Described {
  const cause = error instanceof GraphQLError ? (error.originalError ?? error) : error
  const unknown =
    /^(Cannot query field "\w+" on type "\w+"|Unknown argument "\w+" on field "[\w.]+")/
  const found = unknown.exec(error.message)
  return {
    message: found ? unsupported(found[0]) : error.message,
    ...(error instanceof GraphQLError && error.path && { path: error.path }),
    ...(cause instanceof ExecFailure && { extensions: cause.extensions }),
  }
}
