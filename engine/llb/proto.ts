import protobuf from "protobufjs"

/**
 * The messages of BuildKit's low-level build definition that the engine writes: names and numbers
 * as in BuildKit's solver/pb/ops.proto. Only encoding is needed, never decoding.
 */
type Field = [name: string, number: number, type: string, rule?: "repeated"]

const messages: Record<string, Field[]> = {
  Op: [
    ["inputs", 1, "Input", "repeated"],
    ["exec", 2, "ExecOp"],
    ["source", 3, "SourceOp"],
    ["file", 4, "FileOp"],
    ["merge", 6, "MergeOp"],
    ["diff", 7, "DiffOp"],
    ["platform", 10, "Platform"],
    ["constraints", 11, "WorkerConstraints"],
  ],
  Platform: [
    ["Architecture", 1, "string"],
    ["OS", 2, "string"],
    ["Variant", 3, "string"],
  ],
  WorkerConstraints: [["filter", 1, "string", "repeated"]],
  Input: [
    ["digest", 1, "string"],
    ["index", 2, "int64"],
  ],
  ExecOp: [
    ["meta", 1, "Meta"],
    ["mounts", 2, "Mount", "repeated"],
    ["network", 3, "int32"],
    ["security", 4, "int32"],
    ["secretenv", 5, "SecretEnv", "repeated"],
  ],
  Meta: [
    ["args", 1, "string", "repeated"],
    ["env", 2, "string", "repeated"],
    ["cwd", 3, "string"],
    ["user", 4, "string"],
    ["proxyEnv", 5, "ProxyEnv"],
    ["extraHosts", 6, "HostIP", "repeated"],
    ["hostname", 7, "string"],
    ["removeMountStubsRecursive", 11, "bool"],
  ],
  HostIP: [
    ["Host", 1, "string"],
    ["IP", 2, "string"],
  ],
  ProxyEnv: [
    ["httpProxy", 1, "string"],
    ["httpsProxy", 2, "string"],
    ["ftpProxy", 3, "string"],
    ["noProxy", 4, "string"],
    ["allProxy", 5, "string"],
  ],
  SecretEnv: [
    ["ID", 1, "string"],
    ["name", 2, "string"],
    ["optional", 3, "bool"],
  ],
  Mount: [
    ["input", 1, "int64"],
    ["selector", 2, "string"],
    ["dest", 3, "string"],
    ["output", 4, "int64"],
    ["readonly", 5, "bool"],
    ["mountType", 6, "int32"],
    ["TmpfsOpt", 19, "TmpfsOpt"],
    ["cacheOpt", 20, "CacheOpt"],
    ["secretOpt", 21, "SecretOpt"],
    ["contentCache", 24, "int32"],
  ],
  TmpfsOpt: [["size", 1, "int64"]],
  CacheOpt: [
    ["ID", 1, "string"],
    ["sharing", 2, "int32"],
  ],
  SecretOpt: [
    ["ID", 1, "string"],
    ["uid", 2, "uint32"],
    ["gid", 3, "uint32"],
    ["mode", 4, "uint32"],
    ["optional", 5, "bool"],
  ],
  FileOp: [["actions", 2, "FileAction", "repeated"]],
  FileAction: [
    ["input", 1, "int64"],
    ["secondaryInput", 2, "int64"],
    ["output", 3, "int64"],
    ["copy", 4, "FileActionCopy"],
    ["mkfile", 5, "FileActionMkFile"],
    ["mkdir", 6, "FileActionMkDir"],
    ["rm", 7, "FileActionRm"],
    ["symlink", 8, "FileActionSymlink"],
  ],
  FileActionCopy: [
    ["src", 1, "string"],
    ["dest", 2, "string"],
    ["owner", 3, "ChownOpt"],
    ["mode", 4, "int32"],
    ["followSymlink", 5, "bool"],
    ["dirCopyContents", 6, "bool"],
    ["createDestPath", 8, "bool"],
    ["allowWildcard", 9, "bool"],
    ["allowEmptyWildcard", 10, "bool"],
    ["timestamp", 11, "int64"],
    ["includePatterns", 12, "string", "repeated"],
    ["excludePatterns", 13, "string", "repeated"],
    ["alwaysReplaceExistingDestPaths", 14, "bool"],
  ],
  FileActionMkFile: [
    ["path", 1, "string"],
    ["mode", 2, "int32"],
    ["data", 3, "bytes"],
    ["owner", 4, "ChownOpt"],
    ["timestamp", 5, "int64"],
  ],
  FileActionSymlink: [
    ["oldpath", 1, "string"],
    ["newpath", 2, "string"],
    ["owner", 3, "ChownOpt"],
    ["timestamp", 4, "int64"],
  ],
  FileActionMkDir: [
    ["path", 1, "string"],
    ["mode", 2, "int32"],
    ["makeParents", 3, "bool"],
    ["owner", 4, "ChownOpt"],
    ["timestamp", 5, "int64"],
  ],
  FileActionRm: [
    ["path", 1, "string"],
    ["allowNotFound", 2, "bool"],
    ["allowWildcard", 3, "bool"],
  ],
  ChownOpt: [
    ["user", 1, "UserOpt"],
    ["group", 2, "UserOpt"],
  ],
  UserOpt: [["byID", 2, "uint32"]],
  MergeOp: [["inputs", 1, "MergeInput", "repeated"]],
  MergeInput: [["input", 1, "int64"]],
  DiffOp: [
    ["lower", 1, "DiffInput"],
    ["upper", 2, "DiffInput"],
  ],
  DiffInput: [["input", 1, "int64"]],
}

const sourceOp = new protobuf.Type("SourceOp")
  .add(new protobuf.Field("identifier", 1, "string"))
  .add(new protobuf.MapField("attrs", 2, "string", "string"))

const root = new protobuf.Root().add(sourceOp)
for (const [name, fields] of Object.entries(messages)) {
  const type = new protobuf.Type(name)
  for (const [field, number, of, rule] of fields) {
    type.add(new protobuf.Field(field, number, of, rule))
  }
  root.add(type)
}
const opType = root.resolveAll().lookupType("Op")

/** The bytes of one operation. Equal values give equal bytes: maps are written in the order of their keys. */
export function encodeOp(op: object): Buffer {
  const problem = opType.verify(op)
  if (problem) throw new Error(`invalid build operation: ${problem}`)
  return Buffer.from(opType.encode(op).finish())
}
