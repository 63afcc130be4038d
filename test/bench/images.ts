import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { $ } from "zx"
import { dockerBuild } from "./dockerBuild.ts"
import { type Contestant, interleaved, report } from "./rounds.ts"

const root = path.resolve(import.meta.dirname, "../..")
const sh = $({ quiet: true, stdio: ["ignore", "pipe", "pipe"] })
const IMAGE = "python:3.13-slim"
const EDITED = "greeter/main.py"

/** Small, and without dependencies of their own: one more for each round, so that none was there before. */
const MORE = ["itsdangerous", "markupsafe", "tomli-w", "iniconfig", "pluggy", "blinker"]

/** In stages, as uv's documentation recommends it. uv comes from an index, where no registry can be asked for it. */
const DOCKERFILE = `FROM ${IMAGE} AS builder
RUN --mount=type=secret,id=ca,target=/run/ca.pem,required=false \\
    if [ -e /run/ca.pem ]; then export PIP_CERT=/run/ca.pem; fi; \\
    python -m pip install --no-cache-dir --root-user-action=ignore uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_DEV=1 UV_PYTHON_DOWNLOADS=0
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv --mount=type=secret,id=ca,target=/run/ca.pem,required=false \\
    --mount=type=bind,source=uv.lock,target=uv.lock \\
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \\
    if [ -e /run/ca.pem ]; then export SSL_CERT_FILE=/run/ca.pem; fi; \\
    uv sync --locked --no-install-project
COPY . /app
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --offline

FROM ${IMAGE}
RUN groupadd --system --gid 999 nonroot && useradd --system --gid 999 --uid 999 --create-home nonroot
COPY --from=builder --chown=nonroot:nonroot /app /app
ENV PATH="/app/.venv/bin:$PATH"
USER nonroot
WORKDIR /app
CMD ["uvicorn", "--host", "0.0.0.0", "--port", "8000", "greeter.main:app"]
`

interface Layer {
  digest: string
  size: number
}

/** The layers of an archive above those of the base. */
async function layersOf(archive: string, work: string): Promise<Layer[]> {
  const at = path.join(work, "layout")
  rmSync(at, { recursive: true, force: true })
  mkdirSync(at)
  await sh`tar -xf ${archive} -C ${at}`
  const read = (file: string) => JSON.parse(readFileSync(path.join(at, file), "utf8"))
  const digest: string = read("index.json").manifests[0].digest
  return read(`blobs/${digest.replace(":", "/")}`).layers.slice(1)
}

const bytes = (layers: Layer[]): number => layers.reduce((sum, { size }) => sum + size, 0)
const kib = (count: number): string => `${(count / 1024).toFixed(1)} KiB`

/** `pyline image` beside the Dockerfile that uv's documentation recommends, on one BuildKit, both into an archive. */
export async function benchImages(work: string, rounds: number): Promise<void> {
  const archives = { dockerfile: path.join(work, "d.tar"), pyline: path.join(work, "p.tar") }
  const sources = { dockerfile: path.join(work, "d"), pyline: path.join(work, "p") }
  for (const source of Object.values(sources))
    cpSync(path.join(root, "test/apps/fastapi_uv"), source, { recursive: true })
  const recipe = path.join(work, "recipe")
  mkdirSync(recipe)
  writeFileSync(path.join(recipe, "Dockerfile"), DOCKERFILE)
  // The engine has to be there before it is asked for its address.
  await sh({ cwd: root })`./pyline --engine embedded image --source ${sources.pyline}`
  const build = await dockerBuild(IMAGE, work)
  const contestants: Contestant[] = [
    {
      name: "Dockerfile",
      source: sources.dockerfile,
      run: (dir) => build(dir, recipe, `--output=type=docker,dest=${archives.dockerfile}`),
    },
    {
      name: "pyline image",
      source: sources.pyline,
      run: async (dir) =>
        void (await sh({
          cwd: root,
        })`./pyline --engine embedded image --source ${dir} -o ${archives.pyline}`),
    },
  ]

  const prune = async () => void (await sh({ cwd: root })`./pyline engine prune --all`)
  report(
    "image: nothing is there (all caches pruned)",
    contestants,
    await interleaved(contestants, 2, prune),
  )
  for (const { run, source } of contestants) await run(source)
  // Pyline does not write an archive again that is there as it was written.
  report("image: unchanged", contestants, await interleaved(contestants, rounds, () => {}))
  const lost = await interleaved(contestants, rounds, ({ source }) => {
    rmSync(source === sources.pyline ? archives.pyline : archives.dockerfile)
  })
  report("image: unchanged, and its archive is not there", contestants, lost)

  const before = [await layersOf(archives.dockerfile, work), await layersOf(archives.pyline, work)]
  const edit = (c: Contestant, round: number): void =>
    appendFileSync(path.join(c.source, EDITED), `# ${c.name} ${round} ${Date.now()}\n`)
  report("image: one line edited", contestants, await interleaved(contestants, rounds, edit))
  const after = [await layersOf(archives.dockerfile, work), await layersOf(archives.pyline, work)]

  const uv = path.join(work, "uv")
  await sh`python3 -m venv ${uv}`
  await sh`${uv}/bin/python -m pip install --quiet uv`
  const waiting = new Map(contestants.map(({ name }) => [name, [...MORE]]))
  const add = async ({ name, source }: Contestant): Promise<void> =>
    void (await sh({
      cwd: source,
      env: { ...process.env, UV_SYSTEM_CERTS: "1" },
    })`${uv}/bin/uv add --no-sync --quiet ${waiting.get(name)?.shift() ?? "idna"}`)
  const times = await interleaved(contestants, MORE.length - 1, add)
  report("image: one more dependency", contestants, times)

  console.log(
    "\nimage: bytes above the base, compressed, and of layers that are new after an edit of one line",
  )
  for (const [i, { name }] of contestants.entries()) {
    const known = new Set(before[i]?.map(({ digest }) => digest))
    const fresh = (after[i] ?? []).filter(({ digest }) => !known.has(digest))
    console.log(`  ${name.padEnd(14)} ${kib(bytes(before[i] ?? []))}   ${kib(bytes(fresh))}`)
  }
}
