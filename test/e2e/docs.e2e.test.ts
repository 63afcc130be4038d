import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { $ } from "zx"
import { RUN } from "../docs/run.ts"
import { example, folder, root } from "./pyline.ts"

// That the pages have these commands, and which of theirs are only read, is said by test/unit/docs.
const project = example("library-src")
const bin = path.join(folder(), "bin")
mkdirSync(bin)
symlinkSync(path.join(root, "pyline"), path.join(bin, "pyline"))
writeFileSync(path.join(project, "pyline"), `#!/bin/sh\nexec ${root}/pyline "$@"\n`, {
  mode: 0o755,
})

test.for(Object.entries(RUN))("%s", async ([command, { in: place, says, exits = 0 }]) => {
  const { exitCode, stdout, stderr } = await $({
    cwd: place === "checkout" ? root : project,
    quiet: true,
    nothrow: true,
    env: {
      ...process.env,
      ...{ PATH: `${bin}:${process.env.PATH}`, NO_COLOR: "1", CI: "1", GITHUB_ACTIONS: "" },
    },
  })`bash -c ${command}`
  expect({ said: stdout + stderr, exitCode }).toEqual({
    said: expect.stringContaining(says),
    exitCode: exits,
  })
})
