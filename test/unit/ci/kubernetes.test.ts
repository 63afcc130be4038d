import { execFileSync } from "node:child_process"
import { describe, expect, test } from "vitest"
import { probeDirectory } from "./fixtures.ts"

// What ci/probe/delivery makes of a cluster's objects. The target itself is tested with a real API server, in test/e2e.

const A = `sha256:${"a".repeat(64)}`
const B = `sha256:${"b".repeat(64)}`

/** The value of a Python expression, which has `given` and the modules of the target. */
function evaluate<T>(expression: string, given: object): T {
  const code = `
import json, sys
from delivery import kubectl, podspec, rollout
from delivery.errors import DeliveryError
given = json.load(sys.stdin)
try:
    print(json.dumps(${expression}))
except DeliveryError as error:
    print(json.dumps({"kind": error.kind, "message": str(error)}))
`
  const out = execFileSync("python3", ["-B", "-c", code], {
    input: JSON.stringify(given),
    env: { ...process.env, PYTHONPATH: probeDirectory },
  })
  return JSON.parse(out.toString()) as T
}

const pod = (owner: string, ready: boolean, status: object = {}, image = `shop@${A}`) => ({
  kind: "Pod",
  metadata: { name: `${owner}-1`, uid: "p", ownerReferences: [{ uid: owner, controller: true }] },
  spec: { containers: [{ name: "web", image }] },
  status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }], ...status },
})
const set = (name: string, image: string, revision: number) => ({
  kind: "ReplicaSet",
  metadata: {
    name,
    uid: name,
    annotations: { "deployment.kubernetes.io/revision": `${revision}` },
  },
  spec: {
    template: {
      metadata: { labels: { app: "shop", "pod-template-hash": name } },
      spec: { containers: [{ name: "web", image }] },
    },
  },
})
const deployment = (image: string, status: object, released?: string) => ({
  metadata: {
    name: "shop",
    uid: "d",
    generation: 2,
    annotations: released === undefined ? {} : { "dev.pyline.released": released },
  },
  spec: {
    replicas: 1,
    template: {
      metadata: { labels: { app: "shop" } },
      spec: { containers: [{ name: "web", image }] },
    },
  },
  status,
})
const done = { observedGeneration: 2, updatedReplicas: 1, replicas: 1, availableReplicas: 1 }
const halfDone = { observedGeneration: 2, updatedReplicas: 1, replicas: 2, availableReplicas: 1 }

/** Which replica set gets the requests, and which one is gone back to. */
const seen = (now: object, sets: object[], pods: object[]) =>
  evaluate(
    `[each and rollout.name_of(each) for s in [rollout.State(given["now"], given["sets"], given["pods"])] for each in (s.serving, s.fallback)]`,
    { now, sets, pods },
  )

describe("a Deployment", () => {
  const old = set("old", "shop:1", 1)
  const mid = set("mid", `shop@${B}`, 2)
  const cur = set("cur", `shop@${A}`, 3)
  const now = (status: object, released?: string) => deployment(`shop@${A}`, status, released)

  test("serves what it asks for when all of that is there", () => {
    expect(seen(now(done), [old, cur], [pod("cur", true)])).toEqual(["cur", "old"])
  })
  test("serves what was there before in the middle of a rollout", () => {
    const both = [pod("old", true), pod("cur", true)]
    expect(seen(now(halfDone), [old, cur], both)).toEqual(["old", "old"])
    expect(seen(now(halfDone, "old"), [mid, old, cur], both)).toEqual(["old", "old"])
  })
  test("goes back to what was good, not to what was tried in between", () => {
    const pods = [pod("old", true), pod("cur", false)]
    expect(seen(now(halfDone, "old"), [old, mid, cur], pods)).toEqual(["old", "old"])
    expect(seen(now(halfDone), [old, mid, cur], [pod("cur", false)])).toEqual([null, "mid"])
  })
  test("has nowhere to go back to from what was good itself, or from the first", () => {
    expect(seen(now(done, "cur"), [old, cur], [pod("cur", true)])).toEqual(["cur", null])
    expect(seen(now(halfDone), [cur], [pod("cur", true)])).toEqual([null, null])
  })
  test("serves its own release with fewer pods than it asks for", () => {
    const fewer = { ...done, availableReplicas: 0 }
    expect(seen(now(fewer, "cur"), [old, cur], [pod("cur", true)])).toEqual(["cur", null])
  })

  test("says why a pod is not ready", () => {
    const status = {
      containerStatuses: [
        {
          name: "web",
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
        },
      ],
    }
    expect(evaluate(`rollout.pod_trouble(given)`, pod("cur", false, status))).toBe(
      "container web: CrashLoopBackOff, OOMKilled (exit code 137)",
    )
  })

  test("says how far its rollout is", () => {
    const state = `rollout.State(given, [], [])`
    expect(evaluate(`rollout.counts(${state})`, now(halfDone))).toBe(
      "of 2 pods 1 are of the new template and 1 available",
    )
  })

  test("is patched where its template is what was read, and only where it is another image", () => {
    const patch = (reference: string) =>
      evaluate(`podspec.image_patch(given["now"], None, given["reference"], 3)`, {
        now: now(done),
        reference,
      })
    const { template } = now(done).spec
    const same = { op: "test", path: "/spec/template", value: template }
    const keep = { op: "add", path: "/spec/revisionHistoryLimit", value: 3 }
    const path = "/spec/template/spec/containers/0/image"
    expect(patch(`shop@${A}`)).toEqual([same, keep])
    expect(patch("b")).toEqual([same, { op: "replace", path, value: "b" }, keep])
  })

  test("names its pods by its selector", () => {
    const matchExpressions = [
      { key: "tier", operator: "In", values: ["a", "b"] },
      { key: "old", operator: "DoesNotExist" },
    ]
    const selector = { matchLabels: { app: "shop" }, matchExpressions }
    expect(evaluate(`rollout.selector(given)`, { spec: { selector } })).toBe(
      "app=shop,tier in (a,b),!old",
    )
  })
})

describe("the digest that pods prove", () => {
  const proof = (image: string, imageID: string) =>
    evaluate<[string | null, string]>(`rollout.proof([given], None)`, {
      ...pod("cur", true, { containerStatuses: [{ name: "web", imageID }] }, image),
    })
  test.each([
    [`shop@${A}`, `docker.io/shop@${A}`, A, `image ID docker.io/shop@${A}`],
    // Pinned to an index: the runtime tells the digest of the platform.
    [`shop@${A}`, `docker.io/shop@${B}`, A, `image shop@${A}`],
    ["shop:1", `docker.io/shop@${B}`, B, `image ID docker.io/shop@${B}`],
  ])("%s with the image ID %s", (image, id, digest, how) => {
    expect(proof(image, id)).toEqual([
      digest,
      `1 ready pod of the Deployment's replica set: ${how}`,
    ])
  })
  test("is not known of a tag whose image was not pulled", () => {
    expect(proof("shop:1", "")).toEqual([
      null,
      "the pods do not tell one digest that they run: image shop:1",
    ])
  })
})

describe("what kubectl says", () => {
  test.each([
    [
      `The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?`,
      "errored",
      /^the API server cannot be reached: The connection/,
    ],
    [
      `Warning: old\nError from server (Forbidden): deployments.apps "shop" is forbidden: User "x" cannot get resource`,
      "errored",
      /^the cluster does not allow it: deployments.apps "shop" is forbidden/,
    ],
    [
      `error: You must be logged in to the server (Unauthorized)`,
      "errored",
      /^the cluster does not allow it: Unauthorized$/,
    ],
    [
      `Error from server (ServiceUnavailable): the server is currently unable`,
      "errored",
      /^the API server: the server is/,
    ],
    [
      `Error from server (NotFound): namespaces "x" not found`,
      "request",
      /^namespaces "x" not found$/,
    ],
    [
      `The Deployment "shop" is invalid: spec.replicas: Invalid value: -1`,
      "request",
      /^The Deployment "shop" is invalid: spec/,
    ],
    [
      `The request is invalid: the server rejected our request due to an error in our request`,
      "request",
      /^The request is invalid: /,
    ],
    [
      `unable to recognize no matches for kind "Thing" in version "example.com/v1"`,
      "request",
      /^unable to recognize no matches for kind "Thing"/,
    ],
    [`error: context "moon" does not exist`, "request", /^the kubeconfig: context "moon"/],
    [``, "errored", /^kubectl: kubectl failed and said nothing$/],
    [`error: \u001b[31mred`, "errored", /^kubectl: \[31mred$/],
  ])("%j", (said, kind, message) => {
    const found = evaluate<{ kind: string; message: string }>(
      `(lambda e: {"kind": e.kind, "message": str(e)})(kubectl.trouble(given["said"]))`,
      { said },
    )
    expect(found.kind).toBe(kind)
    expect(found.message).toMatch(message)
  })

  test("is read as one object, several, or a list", () => {
    const text = `{"kind":"A"}\n{"kind":"List","items":[{"kind":"B"},{"kind":"C"}]}\n`
    expect(evaluate(`[each["kind"] for each in kubectl.objects(given["text"])]`, { text })).toEqual(
      ["A", "B", "C"],
    )
  })
})

describe("manifests", () => {
  const workload = (kind: string, name: string, spec: object) => ({
    kind,
    metadata: { name },
    spec,
  })
  const pods = (image: string, more: object = {}) => ({
    template: { spec: { containers: [{ name: "web", image, ...more }] } },
  })
  const items = [
    { kind: "ConfigMap", metadata: { name: "settings" } },
    workload("Deployment", "shop", pods("ghcr.io/me/shop:1")),
    workload("Deployment", "worker", pods("ghcr.io/me/shop")),
    workload("CronJob", "nightly", { jobTemplate: { spec: pods(`ghcr.io/me/shop@${B}`) } }),
    workload("StatefulSet", "cache", pods("valkey:8")),
  ]
  const pinned = (deployment: string, container: string | null = null) =>
    evaluate<object>(
      `podspec.pinned(given["items"], given["deployment"], given["container"], "new", 3)`,
      {
        items,
        deployment,
        container,
      },
    )

  test("get the digest wherever the image is used", () => {
    expect(pinned("shop")).toEqual([
      items[0],
      workload("Deployment", "shop", { ...pods("new"), revisionHistoryLimit: 3 }),
      workload("Deployment", "worker", pods("new")),
      workload("CronJob", "nightly", { jobTemplate: { spec: pods("new") } }),
      items[4],
    ])
  })
  test("are refused where they do not have the Deployment or its container", () => {
    expect(pinned("till")).toEqual({
      kind: "request",
      message:
        "the manifests have no Deployment till: ConfigMap/settings, CronJob/nightly, Deployment/shop, Deployment/worker, StatefulSet/cache",
    })
    expect(pinned("shop", "app")).toEqual({
      kind: "request",
      message: "deployment/shop has no container app: web",
    })
  })
  test("come before a migration where they have no pods", () => {
    const kinds = evaluate(`[each["kind"] for each in podspec.without_pods(given["items"])]`, {
      items,
    })
    expect(kinds).toEqual(["ConfigMap"])
  })

  test("a migration is a Job that runs as the container would, and serves nothing", () => {
    const serving = { readinessProbe: {}, ports: [{}], args: ["serve"], env: [{ name: "A" }] }
    const now = {
      metadata: { name: "shop" },
      spec: {
        template: {
          metadata: { labels: { app: "shop" }, annotations: { vault: "yes" } },
          spec: {
            serviceAccountName: "shop",
            initContainers: [{ name: "wait", image: "shop:1" }],
            containers: [
              { name: "web", image: "shop:1", ...serving },
              { name: "proxy", image: "envoy" },
            ],
          },
        },
      },
    }
    const labels = { "dev.pyline.migration": "shop" }
    expect(
      evaluate(`podspec.migration(given, "web", "shop@x", ["migrate"], "job", 60)`, now),
    ).toMatchObject({
      metadata: { name: "job", labels },
      spec: {
        backoffLimit: 0,
        activeDeadlineSeconds: 60,
        template: {
          metadata: { labels, annotations: { vault: "yes" } },
          spec: {
            serviceAccountName: "shop",
            restartPolicy: "Never",
            initContainers: [{ name: "wait", image: "shop@x" }],
            containers: [
              { name: "web", image: "shop@x", env: [{ name: "A" }], command: ["migrate"] },
            ],
          },
        },
      },
    })
  })
})
