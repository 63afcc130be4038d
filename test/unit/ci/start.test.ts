import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, test } from "vitest"
import type { AppFacts } from "../../../ci/src/project/appFacts.ts"
import { decide } from "../../../ci/src/project/decide.ts"
import type { Plan } from "../../../ci/src/project/plan.ts"
import { showPlan } from "../../../ci/src/project/show.ts"
import { decideStart } from "../../../ci/src/project/start.ts"
import { planOf, probe, probeDirectory, pythonFiles, pythonHas } from "./fixtures.ts"

const able = pythonHas("tomllib", "packaging")
const folder = mkdtempSync(join(tmpdir(), "pyline-start-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// One interpreter for all directories.
const BATCH = `
import json, sys
sys.path.insert(0, sys.argv[1])
import app
from facts.reader import Project
print(json.dumps({root: app.app_facts(Project(root), app.modules(root)) for root in sys.argv[2:]}))
`

function appFacts(directories: string[]): Record<string, AppFacts> {
  const args = ["-B", "-c", BATCH, probeDirectory, ...directories]
  return JSON.parse(execFileSync("python3", args, { encoding: "utf8" }))
}

/** Plans as `plan` makes them of whole directories. */
function plansOf(directories: string[]): Plan[] {
  const [facts, apps] = [probe(directories), appFacts(directories)]
  return directories.map((directory) => {
    const found = facts[directory]
    if (found === undefined) throw new Error(directory)
    const names = pythonFiles(directory)
    const plan = decide({ facts: found.facts, names, evidence: found.evidence })
    if (plan === "evidence") throw new Error("undecided with evidence")
    const below = plan.production.directory
    const own =
      below === undefined
        ? apps[directory]
        : appFacts([join(directory, below)])[join(directory, below)]
    const { start, problem, decisions, warnings } = decideStart(plan, own as AppFacts)
    return {
      ...plan,
      ...(start === undefined ? {} : { start }),
      ...(problem === undefined ? {} : { startProblem: problem }),
      decisions,
      warnings,
    }
  })
}

describe.skipIf(!able)("apps (skipped where python3 has no tomllib or packaging)", () => {
  const apps = fileURLToPath(new URL("../../apps/", import.meta.url))
  const names = readdirSync(apps).sort()
  let plans: Plan[] | undefined

  test.each(names)("%s", async (name) => {
    plans ??= plansOf(names.map((each) => join(apps, each)))
    const plan = plans[names.indexOf(name)] as Plan
    const { start, startProblem, production } = plan
    const { labels, systemPackages, distributions } = production
    const rest = JSON.stringify(
      { start, startProblem, labels, systemPackages, distributions },
      undefined,
      2,
    )
    const file = fileURLToPath(new URL(`starts/${name}.txt`, import.meta.url))
    await expect(`${showPlan(plan)}\n\n${rest}\n`).toMatchFileSnapshot(file)
  })
})

interface Case {
  files: Record<string, string>
  /** Distributions of its lock. */
  locked?: string[]
  /** Names of its commands, and what they call; then it is a package. */
  scripts?: Record<string, string>
  name?: string
}

const flask = "from flask import Flask\napp = Flask(__name__)\n"

const cases: [string, Case, string | undefined][] = [
  [
    "an annotated object",
    {
      files: { "main.py": "import fastapi\nweb: fastapi.FastAPI = fastapi.FastAPI()\n" },
      locked: ["fastapi", "uvicorn"],
    },
    'uvicorn --host 0.0.0.0 --port "$PORT" main:web',
  ],
  [
    "an object made by a function of another module",
    {
      files: {
        "shop/__init__.py": "",
        "shop/factory.py":
          "from flask import Flask\ndef create_app():\n    app = Flask('shop')\n    return app\n",
        "wsgi.py": "from shop.factory import create_app\napplication = create_app()\n",
      },
      locked: ["flask", "gunicorn"],
    },
    "gunicorn wsgi:application",
  ],
  [
    "a function that hands on what another one makes",
    {
      files: {
        "shop/__init__.py": "from .factory import make\ndef create_app():\n    return make()\n",
        "shop/factory.py": "import flask\ndef make():\n    return flask.Flask('shop')\n",
      },
      locked: ["flask", "gunicorn"],
    },
    "gunicorn 'shop:create_app()'",
  ],
  [
    "a function that needs arguments is no factory",
    {
      files: {
        "app.py": "from flask import Flask\ndef create_app(config):\n    return Flask(config)\n",
      },
      locked: ["flask", "gunicorn"],
    },
    undefined,
  ],
  [
    "a class of the same name from elsewhere",
    {
      files: { "main.py": "from mine import FastAPI\napp = FastAPI()\n" },
      locked: ["fastapi", "uvicorn"],
    },
    undefined,
  ],
  [
    "an application in a test or an example",
    {
      files: {
        "tests/app.py": flask,
        "examples/app.py": flask,
        "test_app.py": flask,
        "docs/app.py": flask,
      },
      locked: ["flask", "gunicorn"],
    },
    undefined,
  ],
  [
    "a framework that only development installs",
    { files: { "app.py": flask }, locked: ["requests"] },
    undefined,
  ],
  [
    "the nearest to the root",
    { files: { "app.py": flask, "tools/admin/app.py": flask }, locked: ["flask", "gunicorn"] },
    "gunicorn app:app",
  ],
  [
    "waitress where it is what is locked",
    { files: { "app.py": flask }, locked: ["flask", "waitress"] },
    'waitress-serve --listen "0.0.0.0:$PORT" app:app',
  ],
  [
    "hypercorn where it is what is locked",
    {
      files: { "app.py": "from quart import Quart\napp = Quart(__name__)\n" },
      locked: ["quart", "hypercorn"],
    },
    `hypercorn --bind "0.0.0.0:$PORT" 'app:app'`,
  ],
  [
    "granian where it is what is locked",
    {
      files: { "app.py": "from litestar import Litestar\napp = Litestar([])\n" },
      locked: ["litestar", "granian"],
    },
    'granian --interface asgi --host 0.0.0.0 --port "$PORT" app:app',
  ],
  [
    "aiohttp under gunicorn where it is locked",
    {
      files: {
        "app.py": "from aiohttp import web\nasync def factory():\n    return web.Application()\n",
      },
      locked: ["aiohttp", "gunicorn"],
    },
    "gunicorn --worker-class aiohttp.GunicornWebWorker app:factory",
  ],
  [
    "a package below src",
    {
      files: { "src/shop/__init__.py": "", "src/shop/web.py": flask },
      locked: ["flask", "gunicorn"],
    },
    "gunicorn shop.web:app",
  ],
  [
    "a directory that is imported from, and not a package",
    {
      files: {
        "backend/main.py": `from models import x\n${flask}`,
        "backend/models.py": "x = 1\n",
      },
      locked: ["flask", "gunicorn"],
    },
    "backend: gunicorn main:app",
  ],
  [
    "a package without __init__.py",
    {
      files: {
        "backend/main.py": `from backend.models import x\n${flask}`,
        "backend/models.py": "x = 1\n",
      },
      locked: ["flask", "gunicorn"],
    },
    "gunicorn backend.main:app",
  ],
  [
    "a command that is named like the project comes before its application",
    {
      files: { "src/shop/__init__.py": flask },
      locked: ["flask", "gunicorn"],
      scripts: { shop: "shop:main", "shop-debug": "shop:debug" },
      name: "shop",
    },
    "shop",
  ],
  [
    "an application comes before a command with another name",
    {
      files: { "src/shop/__init__.py": flask },
      locked: ["flask", "gunicorn"],
      scripts: { seed: "shop:seed" },
      name: "shop",
    },
    "gunicorn shop:app",
  ],
  [
    "two commands, neither named like the project",
    { files: { "src/shop/__init__.py": "" }, scripts: { a: "shop:a", b: "shop:b" }, name: "shop" },
    undefined,
  ],
  [
    "a process that is not called web",
    { files: { Procfile: "worker: python work.py\n", "work.py": "" } },
    "python work.py",
  ],
  [
    "a Procfile of nothing but releases",
    { files: { Procfile: "release: python x.py\n" } },
    undefined,
  ],
  [
    "the module of the package before a script",
    {
      files: {
        "shop/__init__.py": "",
        "shop/__main__.py": "",
        "main.py": "if __name__ == '__main__':\n    pass\n",
      },
      name: "shop",
    },
    "python -m shop",
  ],
  [
    "one script of several that is called main.py",
    {
      files: {
        "main.py": "if __name__ == '__main__':\n    pass\n",
        "other.py": "if __name__ == '__main__':\n    pass\n",
      },
    },
    "python main.py",
  ],
  [
    "a Celery application",
    {
      files: {
        "jobs/__init__.py": "",
        "jobs/app.py": "from celery import Celery\nqueue = Celery('x')\n",
      },
      locked: ["celery"],
    },
    "celery --app jobs.app:queue worker --loglevel INFO",
  ],
  [
    "names that a shell would run",
    { files: { "$(id)/main.py": flask, "a;b.py": flask }, locked: ["flask", "gunicorn"] },
    undefined,
  ],
  [
    "modules that cannot be parsed",
    { files: { "broken.py": "def (:\n", "app.py": flask }, locked: ["flask", "gunicorn"] },
    "gunicorn app:app",
  ],
]

describe.skipIf(!able)("small cases (skipped where python3 has no tomllib or packaging)", () => {
  const directories = cases.map((_, index) => join(folder, String(index)))
  let facts: Record<string, AppFacts> | undefined

  const factsOf = (index: number): AppFacts => {
    if (facts === undefined) {
      for (const [at, [, { files }]] of cases.entries()) {
        for (const [path, text] of Object.entries(files)) {
          const file = join(directories[at] as string, path)
          mkdirSync(dirname(file), { recursive: true })
          writeFileSync(file, text)
        }
      }
      facts = appFacts(directories)
    }
    return facts[directories[index] as string] as AppFacts
  }

  test.each(cases.map(([name, one, expected], index) => [name, one, expected, index] as const))(
    "%s",
    (_, { locked = [], scripts = {}, name }, expected, index) => {
      const plan = planWith(locked, scripts, name)
      const { start } = decideStart(plan, factsOf(index))
      const [decision] = decideStart(plan, factsOf(index)).decisions
      const at = start?.directory === undefined ? "" : `${start.directory}: `
      expect(decision && `${at}${decision.value}`).toBe(expected)
    },
  )
})

function planWith(distributions: string[], scripts: Record<string, string>, name = "demo"): Plan {
  const plan = planOf("scripts_no_tests")
  const install: Plan["package"] = {
    kind: "uv",
    reads: "everything",
    names: [],
    targets: [],
    withDependencies: false,
    environment: {},
  }
  return {
    ...plan,
    name,
    manager: "uv",
    decisions: [],
    production: {
      ...plan.production,
      ...(Object.keys(scripts).length > 0 ? { package: install } : {}),
      distributions,
      complete: true,
      scripts,
    },
  }
}

test("a server that is not locked is an error with the command that adds it", () => {
  const facts: AppFacts = {
    schema: 1,
    apps: [
      {
        framework: "flask",
        protocol: "wsgi",
        kind: "object",
        name: "app",
        file: "app.py",
        line: 2,
        root: "",
        module: "app",
      },
    ],
    pages: [],
    mains: [],
    servers: [],
  }
  expect(decideStart(planWith(["flask"], {}), facts)).toMatchObject({
    problem: { kind: "server", server: "gunicorn", fix: "uv add gunicorn" },
    warnings: [
      "no image can be made yet: gunicorn is not among what the project installs (uv add gunicorn)",
    ],
  })
})
