// What kwok makes of pods, and of the one node: no container runs, their states are written as a kubelet would.

/** Images do not become ready whose digests begin with this. */
export const BAD = "sha256:b"
/** Those of these digests take their time. */
export const SLOW = "sha256:5"
/** The nodes cannot pull these. */
export const AWAY = "sha256:a"
/** A word in the command of a Job that fails. */
export const RED = "red"

const when = (key: string, operator: string, ...values: string[]) => ({
  key,
  operator,
  ...(values.length > 0 ? { values } : {}),
})
const stays = when(".metadata.deletionTimestamp", "DoesNotExist")
const isNew = when(".status.podIP", "DoesNotExist")
const runs = when(".status.phase", "In", "Running")
const image = (digest: string, is: boolean) =>
  when(`.spec.containers[0].image | contains("@${digest}")`, "In", `${is}`)
const job = (is: boolean) =>
  when('[.metadata.ownerReferences[]? | .kind == "Job"] | any', "In", `${is}`)
const red = (is: boolean) =>
  when(`.spec.containers[0].command | tostring | contains("${RED}")`, "In", `${is}`)

function stage(name: string, selector: object[], next: object, milliseconds = 0) {
  return {
    apiVersion: "kwok.x-k8s.io/v1alpha1",
    kind: "Stage",
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: "v1", kind: "Pod" },
      selector: { matchExpressions: selector },
      delay: { durationMilliseconds: milliseconds },
      next,
    },
  }
}

/** A status in which all containers are in the same state. */
function status(phase: string, ready: boolean, state: object, restarts = 0) {
  const condition = (type: string, is: boolean) => `
- lastTransitionTime: {{ Now | Quote }}
  type: ${type}
  status: ${is ? '"True"' : '"False"'}`
  return {
    statusTemplate: `
conditions:${condition("Initialized", true)}${condition("Ready", ready)}${condition("ContainersReady", ready)}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: {{ .image | Quote }}
  ready: ${ready}
  restartCount: ${restarts}
  state: ${JSON.stringify(state)}
{{ end }}
hostIP: 127.0.0.1
podIP: {{ PodIPWith .spec.nodeName false ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) | Quote }}
phase: ${phase}
startTime: {{ Now | Quote }}
`,
  }
}

const since = { startedAt: "2026-01-01T00:00:00Z" }
const running = { running: since }
const ended = (exitCode: number) => ({
  terminated: { ...since, finishedAt: "2026-01-01T00:00:01Z", exitCode, reason: "Error" },
})
const away = {
  waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image: not found" },
}
const crashing = {
  waiting: {
    reason: "CrashLoopBackOff",
    message: "back-off 10s restarting failed container",
  },
}

const stages = [
  stage("gone", [when(".metadata.deletionTimestamp", "Exists")], {
    finalizers: { empty: true },
    delete: true,
  }),
  stage(
    "ready",
    [stays, isNew, image(BAD, false), image(SLOW, false), image(AWAY, false)],
    status("Running", true, running),
    300,
  ),
  stage("slow", [stays, isNew, image(SLOW, true)], status("Running", true, running), 5000),
  stage("away", [stays, isNew, image(AWAY, true)], status("Pending", false, away)),
  stage("bad", [stays, isNew, image(BAD, true)], {
    ...status("Running", false, crashing, 3),
    event: { type: "Warning", reason: "BackOff", message: "restarting failed container" },
  }),
  stage(
    "migrated",
    [stays, runs, job(true), red(false)],
    status("Succeeded", false, ended(0)),
    1500,
  ),
  stage("not-migrated", [stays, runs, job(true), red(true)], status("Failed", false, ended(3))),
]

const node = {
  apiVersion: "kwok.x-k8s.io/v1alpha1",
  kind: "Stage",
  metadata: { name: "node" },
  spec: {
    resourceRef: { apiGroup: "v1", kind: "Node" },
    selector: { matchExpressions: [when(".status.phase", "NotIn", "Running")] },
    next: {
      statusTemplate: `
addresses:
- { type: InternalIP, address: {{ NodeIP | Quote }} }
allocatable: { cpu: 1k, memory: 1Ti, pods: 1M }
capacity: { cpu: 1k, memory: 1Ti, pods: 1M }
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
  type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
{{ end }}
daemonEndpoints: { kubeletEndpoint: { Port: {{ NodePort }} } }
phase: Running
`,
    },
  },
}

/** The configuration of kwok; every container has the log of that file. */
export const configuration = (log: string): string =>
  [
    ...stages,
    node,
    {
      apiVersion: "kwok.x-k8s.io/v1alpha1",
      kind: "ClusterLogs",
      metadata: { name: "all" },
      spec: { logs: [{ logsFile: log, previousLogsFile: log }] },
    },
  ]
    .map((each) => JSON.stringify(each))
    .join("\n---\n")
