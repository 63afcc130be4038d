import { readdirSync } from "node:fs"
import { join } from "node:path"
import { TypeDefKind } from "../../node_modules/@dagger.io/dagger/dist/src/api/client.gen.js"
import { scan } from "../../node_modules/@dagger.io/dagger/dist/src/module/introspector/index.js"
import { kebabCase } from "../verbs/kebab.ts"
import type { Arg, Module, Type, Verb } from "../verbs/module.ts"

type Scanned = Awaited<ReturnType<typeof scan>>
type ScannedObject = Scanned["objects"][string]
type ScannedFunction = ScannedObject["methods"][string]
type ScannedArgument = ScannedFunction["arguments"][string]
type ScannedType = NonNullable<ScannedArgument["type"]>

const NAME = "pyline"

/**
 * Reads the module's class with Dagger's own introspector, in the same way as the SDK's entry point does.
 *
 * @throws when Dagger could not load it, or would load it slowly (a constructor costs one more boot a call)
 */
export async function readModule(moduleDir: string, clientTypes: string): Promise<Module> {
  const files = sourceFiles(join(moduleDir, "src"))
  const scanned = await scan([...files, clientTypes], NAME, false)
  const [className, object] = Object.entries(scanned.objects)[0] ?? []
  if (!className || !object || className.toLowerCase() !== NAME)
    throw new Error(`no class Pyline with @object() in ${moduleDir}/src`)
  if (object._constructor) throw new Error(`class ${className} has a constructor`)
  return {
    name: NAME,
    className,
    description: object.description ?? scanned.description ?? "",
    verbs: Object.values(object.methods).map((method) => toVerb(method, scanned)),
  }
}

function sourceFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?ts$/.test(name) && !/\.d\.m?ts$/.test(name))
    .sort()
    .map((name) => join(dir, name))
}

function toVerb(method: ScannedFunction, module: Scanned): Verb {
  const name = method.alias ?? method.name
  if (!method.returnType) throw new Error(`${name}: unknown return type`)
  return {
    name: kebabCase(name),
    method: method.name,
    description: method.description ?? "",
    ...(method.deprecated === undefined ? {} : { deprecated: method.deprecated }),
    check: method.isCheck,
    generate: method.isGenerator,
    cache: method.cache ?? "",
    args: Object.values(method.arguments).map((arg) => toArg(arg, module, name)),
    returns: toType(method.returnType, module),
  }
}

function toArg(arg: ScannedArgument, module: Scanned, verb: string): Arg {
  if (!arg.type) throw new Error(`${verb}: unknown type of argument ${arg.name}`)
  const defaults = [arg.defaultValue, arg.defaultPath, arg.defaultAddress]
  if (defaults.filter(Boolean).length > 1)
    throw new Error(`${verb}: argument ${arg.name} has more than one default`)
  return {
    name: arg.name,
    flag: kebabCase(arg.name),
    description: arg.description ?? "",
    ...(arg.deprecated === undefined ? {} : { deprecated: arg.deprecated }),
    type: toType(arg.type, module),
    optional: arg.isOptional || defaults.some((value) => value !== undefined),
    variadic: arg.isVariadic,
    ...(arg.defaultValue === undefined ? {} : { default: arg.defaultValue }),
    ...(arg.defaultPath ? { defaultPath: arg.defaultPath } : {}),
    ...(arg.defaultAddress ? { defaultAddress: arg.defaultAddress } : {}),
    ...(arg.ignore ? { ignore: arg.ignore } : {}),
  }
}

function toType(type: ScannedType, module: Scanned): Type {
  switch (type.kind) {
    case TypeDefKind.StringKind:
      return { kind: "string" }
    case TypeDefKind.IntegerKind:
      return { kind: "integer" }
    case TypeDefKind.FloatKind:
      return { kind: "float" }
    case TypeDefKind.BooleanKind:
      return { kind: "boolean" }
    case TypeDefKind.VoidKind:
      return { kind: "void" }
    case TypeDefKind.ListKind:
      return { kind: "list", of: toType((type as { typeDef: ScannedType }).typeDef, module) }
    case TypeDefKind.EnumKind: {
      const { name } = type as { name: string }
      const members = Object.values(module.enums[name]?.values ?? {})
      const values = members.map((member) => ({
        name: member.name,
        value: String(member.value),
        description: member.description ?? "",
      }))
      return { kind: "enum", name, values }
    }
    case TypeDefKind.ScalarKind:
      return { kind: "scalar", name: (type as { name: string }).name }
    default:
      return { kind: "object", name: (type as { name: string }).name }
  }
}
