import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { Request } from "../args/request.ts"
import { EXIT, type ExitCode } from "../exit.ts"
import { UsageError } from "../failure.ts"
import { git } from "../git.ts"
import { pylineAddress } from "../init/address.ts"
import { environmentsOf } from "../init/environments.ts"
import { HOSTS } from "../init/host.ts"
import { purpose, render, repositoryOf, type Values } from "../init/render.ts"
import type { Context } from "./context.ts"

/** `pyline init HOST`: writes the file with which a CI host runs the pipeline. */
export function init(request: Request & { kind: "init" }, context: Context, root: URL): ExitCode {
  const { host, force } = request
  const folder = fileURLToPath(root)
  const { file, template } = HOSTS[host]
  const target = path.join(context.cwd, file)
  if (existsSync(target) && !force)
    throw new UsageError(`${file} is there already`, "say --force to write it anew")
  const { address, commit } = pylineAddress(request.from, folder)
  if (host === "github" && repositoryOf(address) === undefined)
    throw new UsageError(
      `${address}: GitHub Actions takes actions from github.com only`,
      "say --from https://github.com/<owner>/<name>@<40 digits of the commit>",
    )
  const branch = request.branch ?? mainBranch(context.cwd)
  if (!/^[\w./-]+$/.test(branch)) throw new UsageError(`--branch ${branch}: not a name of a branch`)
  const environments = environmentsOf(context.cwd)
  const registry = request.registry ?? environments.find((e) => e.registry !== undefined)?.registry
  if (registry !== undefined && !/^[\w.-]+(?::\d+)?(?:\/[a-z0-9._-]+)+$/.test(registry))
    throw new UsageError(
      `--registry ${registry}: not the name of a repository`,
      "write it like ghcr.io/me/app, in small letters and without a tag",
    )
  const values: Values = {
    ...{ address, commit, branch, environments },
    ...(registry === undefined ? {} : { registry }),
  }
  const text = render(
    readFileSync(path.join(folder, "cli/init/templates", template), "utf8"),
    values,
  )
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, text)
  context.print([`written: ${file}`, whatItDoes(values), `docs: docs/${host}.md`].join("\n"))
  return EXIT.good
}

function whatItDoes(values: Values): string {
  const { branch, registry, environments } = values
  const places = environments.map(({ name }) => name).join(", then ")
  return {
    check: `It runs \`ci\`. With --registry NAME it also ${environments.length > 0 ? "releases" : "publishes"} what ${branch} holds.`,
    publish: `It runs \`ci\`, and on ${branch} \`publish\` to ${registry}.`,
    release: `It runs \`ci\`, and on ${branch} \`release\`: the image to ${registry}, then ${places}.`,
  }[purpose(values)]
}

/** The branch that the remote calls its main one, else the one that is checked out. */
function mainBranch(cwd: string): string {
  const remote = git(cwd, "symbolic-ref", "--short", "refs/remotes/origin/HEAD")
  return remote?.replace(/^origin\//, "") ?? git(cwd, "symbolic-ref", "--short", "HEAD") ?? "main"
}
