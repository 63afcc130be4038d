import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs"
import path from "node:path"
import { argv } from "node:process"
import { $ } from "zx"

// Builds what a cluster without nodes is made of, once, into a folder: `npx tsx test/kubernetes/tools.mts FOLDER`.
// Everything comes from the Go module proxy, in the versions of components/go.mod and kwok/go.mod. It takes minutes and 2 GB of Go's cache.

const target = argv[2]
if (target === undefined) throw new Error("usage: npx tsx test/kubernetes/tools.mts FOLDER")
const programs = [
  ["components", "etcd", "go.etcd.io/etcd/server/v3"],
  ["components", "kubectl", "k8s.io/kubernetes/cmd/kubectl"],
  ["components", "kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"],
  ["components", "kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"],
  ["components", "kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"],
  // Of another version of Kubernetes' libraries than the cluster.
  ["kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok"],
] as const
const goMod = readFileSync(path.join(import.meta.dirname, "components/go.mod"), "utf8")
const [, version = ""] = /k8s\.io\/kubernetes (v\S+)/.exec(goMod) ?? []
const [major = "", minor = ""] = version.slice(1).split(".")
const said = { gitVersion: version, gitMajor: major, gitMinor: minor }
const flags = Object.entries(said).map(
  ([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`,
)

mkdirSync(target, { recursive: true })
for (const [module, name, source] of programs) {
  const made = path.resolve(target, name)
  if (existsSync(made)) continue
  // One package at a time: Kubernetes in parallel wants more memory than small machines have.
  const options = ["-p", "1", "-trimpath", "-ldflags", ["-s", "-w", ...flags].join(" ")]
  await $({
    cwd: path.join(import.meta.dirname, module),
    stdio: "inherit",
    env: { ...process.env, CGO_ENABLED: "0" },
  })`nice go build ${options} -o ${`${made}.part`} ${source}`
  renameSync(`${made}.part`, made)
  console.log(made)
}
