/**
 * What the command costs beside the same work done by hand, in one interleaved run:
 *
 *   bare        pytest in a virtual environment of this machine
 *   dockerfile  a hand-written Dockerfile on the same BuildKit
 *   pyline      `pyline test` on the embedded engine
 *
 * what versions of Python side by side take beside one after the other, and an image beside a Dockerfile's.
 *
 * Prints medians, ratios of pairs of the same round, and the peak memory of our own processes.
 * Never compare figures of two machines, or of two runs: only what stands in one table.
 *
 *   npm run bench [-- --rounds 9] [--only images]
 */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { loadavg, tmpdir } from "node:os"
import path from "node:path"
import { parseArgs } from "node:util"
import { $ } from "zx"
import { control } from "../../engine/client.ts"
import { HostReader } from "../../engine/host/reader.ts"
import { dockerBuild } from "./dockerBuild.ts"
import { benchImages } from "./images.ts"
import { matrix } from "./matrix.ts"
import { type Contestant, interleaved, median, report } from "./rounds.ts"

const root = path.resolve(import.meta.dirname, "../..")
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "9" }, only: { type: "string" } },
})
const rounds = Number(values.rounds)
const work = mkdtempSync(path.join(tmpdir(), "pyline-bench-"))
const sh = $({ quiet: true, stdio: ["ignore", "pipe", "pipe"] })
process.on("exit", () => rmSync(work, { recursive: true, force: true }))

const PROJECT = "itsdangerous"
const EDITED = "src/itsdangerous/signer.py"
const PYTHON = "3.11"
const IMAGE = `python:${PYTHON}-slim`

async function unpack(): Promise<string> {
  await sh({
    cwd: work,
  })`python3 -m pip download --quiet --no-deps --no-binary :all: ${PROJECT}==2.2.0`
  const source = path.join(work, "source")
  mkdirSync(source)
  await sh({ cwd: work })`tar xzf ${PROJECT}-2.2.0.tar.gz -C ${source} --strip-components=1`
  // What an engine has seen before would not even start its BuildKit, which the Dockerfile needs.
  appendFileSync(path.join(source, EDITED), `# ${Date.now()}\n`)
  return source
}

async function bare(source: string): Promise<Contestant> {
  const at = path.join(work, "bare")
  cpSync(source, at, { recursive: true })
  const python = path.join(work, "venv/bin/python")
  await sh`python3 -m venv ${path.join(work, "venv")}`
  await sh({ cwd: at })`${python} -m pip install --quiet -e . -r requirements/tests.txt`
  return {
    name: "bare pytest",
    source: at,
    run: async (cwd) => void (await sh({ cwd })`${python} -m pytest -q`),
  }
}

/** As uv's documentation writes it: dependencies first, then the source, then the tests. */
const DOCKERFILE = `FROM ${IMAGE}
RUN --mount=type=secret,id=ca,target=/run/ca.pem,required=false \\
    if [ -e /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi; \\
    python -m pip install --no-cache-dir --root-user-action=ignore uv
WORKDIR /app
COPY requirements/tests.txt requirements/
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=ca,target=/run/ca.pem,required=false \\
    if [ -e /run/ca.pem ]; then export SSL_CERT_FILE=/run/ca.pem; fi; \\
    uv venv /opt/venv && uv pip install --python /opt/venv/bin/python -r requirements/tests.txt
ENV PYTHONPATH=/app/src
COPY . .
RUN /opt/venv/bin/python -m pytest -q
`

async function dockerfile(source: string): Promise<Contestant> {
  const at = path.join(work, "dockerfile")
  cpSync(source, at, { recursive: true })
  writeFileSync(path.join(work, "Dockerfile"), DOCKERFILE)
  const build = await dockerBuild(IMAGE, work)
  return { name: "Dockerfile", source: at, run: (dir) => build(dir, work) }
}

function pyline(source: string): Contestant {
  const at = path.join(work, "pyline")
  cpSync(source, at, { recursive: true })
  return {
    name: "pyline test",
    source: at,
    run: async (dir) =>
      void (await sh({
        cwd: root,
      })`./pyline --engine embedded test --source ${dir} --python ${PYTHON}`),
  }
}

/** Peak resident memory of a process in MiB, as the kernel counted it. */
function peak(pid: number): number {
  const file = `/proc/${pid}/status`
  if (!existsSync(file)) return 0
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1] ?? 0) / 1024
}

async function memory(source: string): Promise<void> {
  const run = sh({
    cwd: root,
    nothrow: true,
  })`./pyline --engine embedded test --source ${source} --python ${PYTHON}`
  let command = 0
  const pid = run.pid ?? 0
  const watch = setInterval(() => {
    command = Math.max(command, peak(pid))
  }, 5)
  await run
  clearInterval(watch)
  const status = await control({ type: "status" })
  const daemon = peak(status.pid ?? 0)
  const children = await sh({ nothrow: true })`pgrep -P ${status.pid ?? 0} -f bridge`
  const bridge = Math.max(0, ...children.stdout.split("\n").map((p) => peak(Number(p))))
  const mib = (n: number) => `${n.toFixed(0)} MiB`
  console.log("\nPeak memory of our own processes")
  console.log(
    `  command ${mib(command)}, daemon ${mib(daemon)}, bridge ${mib(bridge)}, together ${mib(command + daemon + bridge)}`,
  )
}

/** A tree that did not change: what it costs to see that, beside a walk that only asks for each file's state. */
async function uploads(): Promise<void> {
  const FILES = 40_000
  const at = path.join(work, "many")
  for (let i = 0; i < FILES; i++) {
    const dir = path.join(at, `d${Math.floor(i / 200)}`)
    if (i % 200 === 0) mkdirSync(dir, { recursive: true })
    writeFileSync(path.join(dir, `f${i}`), `file ${i}\n`)
  }
  const reader = new HostReader()
  await reader.read(at, {})
  const walks: number[] = []
  const reads: number[] = []
  for (let round = 0; round < rounds; round++) {
    let start = performance.now()
    await sh`find ${at} -printf %s`
    walks.push((performance.now() - start) / 1000)
    start = performance.now()
    await reader.read(at, {})
    reads.push((performance.now() - start) / 1000)
  }
  console.log(`\n${FILES} unchanged files`)
  console.log(`  bare stat walk median ${median(walks).toFixed(3)} s`)
  console.log(
    `  engine         median ${median(reads).toFixed(3)} s   ${median(reads.map((r, i) => r - (walks[i] ?? 0))).toFixed(3)} s over the walk`,
  )
}

async function benchTests(): Promise<void> {
  const source = await unpack()
  const first = pyline(source)
  console.log("preparing: first runs of everything")
  await first.run(first.source)
  const contestants = [await bare(source), await dockerfile(source), first]
  for (const c of contestants) await c.run(c.source)
  console.log(`load before: ${loadavg()[0]?.toFixed(2)}; ${rounds} rounds, interleaved`)

  report(
    "unchanged",
    contestants.slice(1),
    await interleaved(contestants.slice(1), rounds, () => {}),
  )
  report(
    "one line of source edited",
    contestants,
    await interleaved(contestants, rounds, (c, round) => {
      appendFileSync(path.join(c.source, EDITED), `# ${c.name} ${round} ${Date.now()}\n`)
    }),
  )
  await matrix(work, Math.min(rounds, 5))
  await memory(first.source)
  await uploads()
}

if (values.only !== "images") await benchTests()
if (values.only === undefined || values.only === "images") await benchImages(work, rounds)
console.log(`\nload after: ${loadavg()[0]?.toFixed(2)}`)
process.exit(0)
