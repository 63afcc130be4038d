import { execFile, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { gunzipSync } from "node:zlib"
import { type Client, type Container, ReturnType } from "@dagger.io/dagger"
import { afterAll, beforeAll, expect, test } from "vitest"
import { OwnEngine } from "./servers/engine.ts"
import { image, shellLayer } from "./servers/image.ts"
import { Registry } from "./servers/registry.ts"

// Plants secrets of many shapes, uses them in every way there is, and looks for them everywhere.

const unique = () => randomBytes(12).toString("hex")
const canaries = {
  plain: unique(),
  environment: unique(),
  file: `${unique()}\n`,
  lines: `-----BEGIN KEY-----\n${unique()}${unique()}\n${unique()}${unique()}\n-----END KEY-----\n`,
  shell: `${unique()}'"$(id)\`id\`;&|<>\\ %é${unique()}`,
  split: unique(),
  red: unique(),
  basic: unique(),
  long: Array.from({ length: 20 }, unique).join(""),
  registry: unique(),
  argument: unique(),
  killed: unique(),
}
type Canary = keyof typeof canaries

/** What of a secret must not be found: the parts of it that are like nothing else. */
const words = (canary: Canary): string[] => canaries[canary].match(/[0-9a-f]{24,}/g) ?? []
const all = (Object.keys(canaries) as Canary[]).flatMap(words)
/** As an argument a value is in the build definition, because the user has put it there. */
const stored = all.filter((word) => word !== canaries.argument)
const encoded = (word: string) => [0, 1, 2].map((shift) => coreOf(word, shift))
const coreOf = (word: string, shift: number) =>
  Buffer.from(" ".repeat(shift) + word)
    .toString("base64")
    .slice(shift + 1, -4)

let engine: OwnEngine
let registry: Registry
let base = ""
beforeAll(async () => {
  engine = await OwnEngine.create()
  registry = await Registry.start()
  base = registry.add("base", "1", image([shellLayer()]))
  registry.login = { username: "user", password: canaries.registry }
})
afterAll(async () => {
  await engine?.remove()
  await registry?.down()
})

async function resolveSecret(uri: string): Promise<string> {
  if (uri === "env://CANARY") return canaries.environment
  if (uri === "file:///canary") return canaries.file
  throw new Error(`there is no ${uri}`)
}

const withAll = (client: Client): Container => {
  const set = (name: Canary) => client.setSecret(name, canaries[name])
  return client
    .container()
    .withRegistryAuth(registry.host, "user", set("registry"))
    .from(base)
    .withSecretVariable("PLAIN", set("plain"))
    .withSecretVariable("ENVIRONMENT", client.secret("env://CANARY"))
    .withMountedSecret("/run/file", client.secret("file:///canary"))
    .withMountedSecret("/run/lines", set("lines"))
    .withSecretVariable("SHELL_LIKE", set("shell"))
    .withSecretVariable("SPLIT", set("split"))
    .withSecretVariable("RED", set("red"))
    .withSecretVariable("BASIC", set("basic"))
    .withMountedSecret("/run/long", set("long"))
    .withSecretVariable("ARGUMENT", set("argument"))
}

/** Prints secrets in all shapes; the argument is there to make two steps of it. */
const chatter = (end: string) => `
url() { s=$1; while [ -n "$s" ]; do c=\${s%"\${s#?}"}; s=\${s#?}
  case $c in [a-zA-Z0-9._~-]) printf %s "$c" ;; *) printf '%%%02X' "'$c" ;; esac; done; echo; }
echo "plain $PLAIN environment $ENVIRONMENT"
cat /run/file /run/lines
head -n 2 /run/lines | tail -n 1
echo "shell $SHELL_LIKE"
printf %s "$SPLIT" | head -c 9; sleep 0.3; printf %s "$SPLIT" | tail -c +10; echo
printf %s "$PLAIN" | base64 >&2
printf 'user:%s' "$BASIC" | base64 >&2
printf 'login=%s&x' "$BASIC" | base64
base64 /run/long; base64 /run/lines
url "$ENVIRONMENT$PLAIN"; url "$SPLIT/"
echo "red $RED" >&2
${end}`

const run = (c: Container, end: string, expect?: ReturnType) =>
  c.withExec(["sh", "-c", chatter(end)], expect ? { expect } : {})

/** What was shown in all tests so far. */
let shown = ""

/** Files below a folder with one of the words in them, also in compressed ones. */
function findIn(folder: string, wanted: string[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) => {
    const file = path.join(folder, name)
    if (!existsSync(file) || !statSync(file).isFile()) return []
    const hit = wanted.some((word) => contents(file).some((data) => data.includes(word)))
    return hit ? [name] : []
  })
}

function contents(file: string): Buffer[] {
  const data = readFileSync(file)
  if (data.length > 4) {
    if (data.readUInt16BE(0) === 0x1f8b) return [data, gunzipSync(data)]
    if (data.readUInt32LE(0) === 0xfd2fb528) {
      const { stdout, status } = spawnSync("zstd", ["-dc"], { input: data, maxBuffer: 1 << 28 })
      // The shim's own layer, and images of this machine, are the only ones.
      if (status === 0) return [data, stdout]
    }
  }
  return [data]
}

/** Processes with one of the words in their command line or, but for steps, their environment. */
function processesWith(wanted: string[]): string[] {
  const has = (file: string) => {
    try {
      const data = readFileSync(file)
      return wanted.some((word) => data.includes(word))
    } catch {
      return false
    }
  }
  const isStep = (pid: string) => existsSync(`/proc/${pid}/root/.pyline/shim`)
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => has(`/proc/${pid}/cmdline`) || (!isStep(pid) && has(`/proc/${pid}/environ`)))
    .map((pid) => `${pid} ${readFileSync(`/proc/${pid}/comm`, "utf8").trim()}`)
}

test("while a step has its secrets, nobody else does", async () => {
  await engine.session(
    async (client, told) => {
      const running = run(withAll(client), "sleep 4").sync()
      running.catch(() => {})
      // What the two streams say may come in between each other, in the middle of a line too.
      const errors = () =>
        told.events.map((one) => (one.type === "log" && one.stream === 2 ? one.data : "")).join("")
      await expect.poll(errors, { timeout: 120_000 }).toContain("red ***")
      expect(processesWith(stored)).toEqual([])
      expect(findIn(engine.state, stored)).toEqual([])
      await running
      shown += told.text()
    },
    { resolveSecret },
  )
})

test("green and red steps, an image that is pushed and one that is exported keep nothing", async () => {
  await engine.session(
    async (client, told) => {
      const green = run(withAll(client), "echo done")
      const kept = await green.stdout()
      // What a program asks for has the values hidden; encodings are as Dagger leaves them.
      for (const word of all) expect(kept).not.toContain(word)
      const red = await run(withAll(client), "exit 3")
        .sync()
        .then(
          () => ({ message: "it went well" }),
          (error: Error) => error,
        )
      const { message, stdout = "", stderr = "" } = red as Error & Record<string, string>
      expect(message).toBe("exit code: 3")
      shown += message + stdout + stderr
      const literal = run(
        withAll(client).withExec(["sh", "-c", `echo ${canaries.argument} > /dev/null`]),
        "exit 4",
        ReturnType.Any,
      )
      await literal.sync()
      await green.publish(`${registry.host}/app:1`)
      await green.export(path.join(engine.state, "exported.tar"))
      await green.asTarball().size()
      shown += told.text()
    },
    { resolveSecret },
  )
  // The login that is wrong is not repeated either.
  await engine.session(async (client, told) => {
    const wrong = client.setSecret("wrong", canaries.killed)
    const failed = client
      .container()
      .withRegistryAuth(registry.host, "user", wrong)
      .from(registry.add("other", "1", image([shellLayer()])))
      .sync()
    shown += await failed.then(String, (error: Error) => `${error.message} ${String(error.cause)}`)
    shown += told.text()
  })
  for (const [name, { manifests, blobs }] of registry.repositories) {
    for (const data of [...blobs.values(), ...[...manifests.values()].map(({ body }) => body)]) {
      const plain = data.length > 1 && data.readUInt16BE(0) === 0x1f8b ? gunzipSync(data) : data
      for (const word of stored) expect(plain.includes(word), `${name}: ${word}`).toBe(false)
    }
  }
  expect(registry.repositories.get("app")?.manifests.size).toBe(2)
  expect(findIn(engine.state, stored)).toEqual([])
})

test("nothing that was shown has a secret in it, in any shape", () => {
  expect(shown).toContain("plain *** environment ***")
  expect(shown).toContain("shell ***")
  for (const word of all) {
    expect(shown).not.toContain(word)
    for (const form of encoded(word)) expect(shown).not.toContain(form)
  }
  // Base64 of the long one is in lines, of which each is hidden.
  const long = Buffer.from(canaries.long).toString("base64")
  for (let at = 0; at + 24 < long.length; at += 24)
    expect(shown).not.toContain(long.slice(at, at + 24))
  expect(shown).not.toContain("BEGIN KEY")
  expect(shown).not.toContain("%27%22%24")
})

test("the logs of the engine say nothing", () => {
  const logs = engine.logs()
  expect(logs).toContain("serves, pid")
  for (const word of all) {
    expect(logs).not.toContain(word)
    for (const form of encoded(word)) expect(logs).not.toContain(form)
  }
})

test("an engine that is killed while a step has a secret leaves none behind", async () => {
  const { client, told } = await engine.open()
  const step = client
    .container()
    .withRegistryAuth(registry.host, "user", client.setSecret("registry", canaries.registry))
    .from(base)
    .withSecretVariable("KILLED", client.setSecret("killed", canaries.killed))
    .withMountedSecret("/run/killed", client.setSecret("killed", canaries.killed))
    .withExec(["sh", "-c", "echo begun; cat /run/killed; sleep 60"])
    .sync()
  step.catch(() => {})
  await expect.poll(() => told.text(), { timeout: 120_000 }).toContain("begun")
  const { pid } = await engine.status()
  process.kill(pid as number, "SIGKILL")
  await sleep(1000)
  expect(findIn(engine.state, stored)).toEqual([])
  expect(processesWith(stored)).toEqual([])
})

test("what the command prints has no secret in it", async () => {
  const program = path.join(engine.state, "program.mts")
  const client = path.resolve(import.meta.dirname, "../../node_modules/@dagger.io/dagger")
  writeFileSync(
    program,
    `import { connection, dag } from ${JSON.stringify(`${client}/dist/src/index.js`)}
await connection(async () => {
  await dag.container()
    .withRegistryAuth(${JSON.stringify(registry.host)}, "user", dag.secret("env://REGISTRY"))
    .from(${JSON.stringify(base)})
    .withSecretVariable("PLAIN", dag.secret("env://PLAIN"))
    .withExec(["sh", "-c", "echo out $PLAIN; printf 'user:%s' $PLAIN | base64; exit 5"])
    .sync()
    .catch((error) => console.log(error.stdout))
})`,
  )
  // Not at once: the registry is in this process.
  const { stdout, stderr } = await promisify(execFile)(
    path.resolve(import.meta.dirname, "../../pyline"),
    [
      "run",
      "--engine",
      "embedded",
      "--progress",
      "plain",
      "--",
      "node",
      "--import",
      "tsx",
      program,
    ],
    {
      timeout: 50_000,
      cwd: path.resolve(import.meta.dirname, "../.."),
      env: {
        ...process.env,
        PYLINE_STATE_DIR: engine.state,
        PLAIN: canaries.plain,
        REGISTRY: canaries.registry,
      },
    },
  )
  const printed = stdout + stderr
  expect(printed).toContain("out ***")
  for (const word of all) {
    expect(printed).not.toContain(word)
    for (const form of encoded(word)) expect(printed).not.toContain(form)
  }
})
