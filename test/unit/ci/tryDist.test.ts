import { execFileSync, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { probeDirectory } from "./fixtures.ts"

let directory = ""
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "pyline-try-"))
})
afterAll(() => {
  rmSync(directory, { recursive: true, force: true })
})

/** An environment with these modules and scripts, and an archive that says it brought them. */
function attempt(modules: Record<string, string>, scripts: Record<string, string>): string[] {
  const environment = join(directory, "venv")
  execFileSync("python3", ["-m", "venv", "--clear", "--without-pip", environment])
  const site = execFileSync(
    join(environment, "bin/python"),
    ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
    { encoding: "utf8" },
  ).trim()
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(dirname(join(site, name)), { recursive: true })
    writeFileSync(join(site, name), text)
  }
  for (const [name, text] of Object.entries(scripts)) {
    const file = join(environment, "bin", name)
    writeFileSync(file, `#!${join(environment, "bin/python")}\n${text}`)
    chmodSync(file, 0o755)
  }
  const names = Object.keys(scripts).map((name) => `${name} = demo:main`)
  const points = [
    "[console_scripts]",
    ...names,
    "never = demo:main [cli]",
    "[gui_scripts]",
    "window = demo:main",
  ]
  const wheel = join(directory, "demo-1.0-py3-none-any.whl")
  execFileSync(
    "python3",
    [
      "-c",
      "import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as out:\n    for name, text in json.load(sys.stdin).items(): out.writestr(name, text)",
      wheel,
    ],
    {
      input: JSON.stringify({
        ...modules,
        "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nProvides-Extra: cli\n",
        "demo-1.0.dist-info/entry_points.txt": points.join("\n"),
      }),
    },
  )
  const output = join(directory, "tried.json")
  const run = spawnSync(
    "python3",
    [
      ...["-I", join(probeDirectory, "try_dist.py"), wheel, "--environment", environment],
      ...["--output", output, "--seconds", "6"],
    ],
    { encoding: "utf8", timeout: 60_000 },
  )
  expect(run.status, run.stderr).toBe(0)
  const { extras, entries } = JSON.parse(readFileSync(output, "utf8"))
  expect(extras).toEqual(["cli"])
  return entries.map((entry: Record<string, unknown>) =>
    [entry.kind, entry.name, entry.status, entry.message, entry.file, entry.line]
      .filter((part) => part !== undefined && part !== "")
      .join(" | "),
  )
}

test("each import and each script is a process of its own, and none is waited for without end", () => {
  const modules = {
    "demo/__init__.py": "",
    "broken/__init__.py": "from broken import core",
    "broken/core.py": "\nimport not_there",
    "ending.py": "import os\nos._exit(0)",
    "space/part/__init__.py": "",
    "tests/__init__.py": "raise SystemExit(1)",
    "demo-stubs/__init__.pyi": "",
  }
  const hang = "import subprocess, sys, time\nsubprocess.Popen(['sleep', '600'])\ntime.sleep(600)"
  expect(
    attempt(modules, {
      asks: "import sys\nassert sys.argv[1:] == ['--help']\nassert sys.stdin.read() == ''",
      hangs: hang,
      refuses: "import sys\nprint('no such option: --help')\nsys.exit(2)",
      dies: "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)",
    }),
  ).toEqual([
    "module | broken | failed | ModuleNotFoundError: No module named 'not_there' | broken/core.py | 2",
    "module | demo | passed",
    "module | ending | failed | exit status 0: it printed nothing",
    "module | space.part | passed",
    "script | asks | passed",
    "script | dies | failed | killed by signal 11: it printed nothing",
    "script | hangs | hung | still running after 6 seconds, and stopped",
    "script | refuses | failed | exit status 2: no such option: --help",
  ])
})
