import { execFile, spawn } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterEach, beforeEach, expect, test } from "vitest"

const project = fileURLToPath(new URL("../../../", import.meta.url))
const run = promisify(execFile)
let scratch: string
let root: string

// A checkout with the real launcher and a build that only says that it was there. npm is a script, too.
beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "pyline-launcher-")))
  root = join(scratch, "check out")
  for (const dir of ["ci", "cli/build", "engine/tools", "node_modules"])
    mkdirSync(join(root, dir), { recursive: true })
  for (const file of ["pyline", "cli/prepare.mjs", "cli/build/lock.mjs", "cli/build/stamp.mjs"])
    copyFileSync(join(project, file), join(root, file))
  write("package.json", "{}")
  write("package-lock.json", '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}')
  write(
    "node_modules/.package-lock.json",
    '{"packages":{"node_modules/a":{"version":"1.0.0","link":false}}}',
  )
  write("ci/a.ts", "")
  write("engine/tools/a.go", "")
  write(
    "cli/build.mjs",
    `import { appendFileSync, mkdirSync, writeFileSync } from "node:fs"
mkdirSync("dist", { recursive: true })
appendFileSync("builds", "b")
await new Promise((resolve) => setTimeout(resolve, 100))
writeFileSync("dist/pyline.mjs", "console.log(JSON.stringify(process.argv.slice(2)))")
writeFileSync("dist/.stamp", "")`,
  )
  write(
    "bin/npm",
    '#!/bin/sh\nprintf n >> npms\nprintf "%s" "$*" > npm-args\ntouch node_modules/.package-lock.json\n',
  )
  chmodSync(join(root, "bin/npm"), 0o755)
})
afterEach(() => rmSync(scratch, { recursive: true }))

const write = (path: string, text: string) => {
  mkdirSync(join(root, path, ".."), { recursive: true })
  writeFileSync(join(root, path), text)
}
const touch = (path: string) => {
  const later = new Date(Date.now() + 5000)
  utimesSync(join(root, path), later, later)
}
const count = (path: string) =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8").length : 0
const launch = (
  args: string[] = [],
  { cwd = root, program = join(root, "pyline"), path = process.env.PATH } = {},
) => run(program, args, { cwd, env: { ...process.env, PATH: `${join(root, "bin")}:${path}` } })

test("builds once, says so, and hands the arguments over", async () => {
  const first = await launch(["test", "a b", "", "--x=*"])
  expect(first.stdout).toBe('["test","a b","","--x=*"]\n')
  expect(first.stderr).toMatch(/^pyline: building …\npyline: built in \d\.\d s\n$/)
  const second = await launch(["plan"])
  expect(second).toEqual({ stdout: '["plan"]\n', stderr: "" })
  expect(count("builds")).toBe(1)
})

test("builds again after an edit, but not for the Go sources of the engine's tools", async () => {
  await launch()
  touch("engine/tools/a.go")
  await launch()
  expect(count("builds")).toBe(1)
  touch("ci/a.ts")
  await launch()
  expect(count("builds")).toBe(2)
})

test("works from any folder and through links", async () => {
  const elsewhere = join(scratch, "elsewhere")
  mkdirSync(elsewhere)
  symlinkSync(join(root, "pyline"), join(elsewhere, "direct"))
  symlinkSync("direct", join(elsewhere, "relative"))
  for (const name of ["direct", "relative"]) {
    const { stdout } = await launch([name], { cwd: "/", program: join(elsewhere, name) })
    expect(stdout).toBe(`["${name}"]\n`)
  }
  const byName = await run("sh", ["pyline", "sh"], { cwd: root })
  expect(byName.stdout).toBe('["sh"]\n')
  const onPath = await launch(["path"], {
    cwd: "/",
    program: "relative",
    path: `${elsewhere}:${process.env.PATH}`,
  })
  expect(onPath.stdout).toBe('["path"]\n')
})

test("installs packages when they are missing or others are asked for, not when only a date differs", async () => {
  await launch()
  touch("package-lock.json")
  await launch()
  expect(count("npms")).toBe(0)

  write("package-lock.json", '{"packages":{"":{},"node_modules/a":{"version":"1.0.1"}}}')
  touch("package-lock.json")
  const { stderr } = await launch()
  expect(stderr).toMatch(/installing its own npm packages \(npm ci.*\n.*installed in \d\.\d s/)
  expect(readFileSync(join(root, "npm-args"), "utf8")).toMatch(/^ci --ignore-scripts /)

  rmSync(join(root, "node_modules/.package-lock.json"))
  await launch()
  expect(count("npms")).toBe(2)
})

test("an npm that fails ends with what to do", async () => {
  rmSync(join(root, "node_modules/.package-lock.json"))
  write("bin/npm", "#!/bin/sh\necho ENOTFOUND >&2\nexit 7\n")
  await expect(launch()).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringMatching(
      /ENOTFOUND\nerror\[NPM_FAILED\]: .*exit code 7.*\nfix: .*npm ci --ignore-scripts/,
    ),
  })
})

test("launchers at the same time build once and all run", async () => {
  const all = await Promise.all([..."abcdef"].map((name) => launch([name])))
  expect(all.map(({ stdout }) => stdout)).toEqual([..."abcdef"].map((name) => `["${name}"]\n`))
  expect(count("builds")).toBe(1)
})

test("a lock that a killed launcher left behind is no obstacle", async () => {
  const dead = spawn("true")
  await new Promise((resolve) => dead.on("close", resolve))
  write("dist/.lock", String(dead.pid))
  expect((await launch(["x"])).stdout).toBe('["x"]\n')
})

test("without Node there is a word about it", async () => {
  const program = "/bin/sh"
  const args = [join(root, "pyline")]
  await expect(run(program, args, { env: { PATH: "/nowhere" } })).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/error\[NO_NODE\].*\nfix: /),
  })
})
