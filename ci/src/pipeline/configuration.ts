import type { Container } from "@dagger.io/dagger"
import type { Plan, Start } from "../project/plan.ts"
import { ENVIRONMENT, SEARCH_PATH, SOURCE } from "./base.ts"
import { createdOf, type Origin, repositoryOf } from "./origin.ts"
import { pythonImage } from "./toolbox.ts"

const OCI = "org.opencontainers.image."

/**
 * The first process of a container has to pass signals on, to end when it is asked to, and to bury other processes' children.
 * Servers do; a program that was not written to be the first process does not, and is given one that does.
 */
const INIT = `exec 3<&0
"$@" <&3 3<&- & child=$!
exec 2>/dev/null
for signal in TERM INT HUP QUIT USR1 USR2; do trap "kill -$signal $child 2>/dev/null" $signal; done
while :; do wait $child; status=$?; kill -0 $child 2>/dev/null || exit $status; done`

/** The image's configuration: how it is started, where it listens, what is asked whether it is well, what it is made of. */
export function configured(
  container: Container,
  plan: Plan,
  start: Start,
  origin: Origin,
): Container {
  let image = container
  for (const [name, value] of Object.entries(variablesOf(plan, start))) {
    image = image.withEnvVariable(name, value)
  }
  for (const [name, value] of Object.entries(labelsOf(plan, start, origin))) {
    image = image.withLabel(name, value)
    // What registries show is an annotation of the manifest too.
    if (name.startsWith(OCI)) image = image.withAnnotation(name, value)
  }
  if (start.port !== undefined) image = image.withExposedPort(start.port)
  if (start.health !== undefined) image = withHealth(image, start.health)
  return image
    .withWorkdir([SOURCE, start.directory ?? []].flat().join("/"))
    .withEntrypoint(start.init ? ["/bin/sh", "-c", INIT, "init"] : [])
    .withDefaultArgs(start.command)
}

function variablesOf(plan: Plan, start: Start): Record<string, string> {
  const directories = [start.directory ?? "", ...plan.pythonPath]
  const path = directories.map((directory) => [SOURCE, directory || []].flat().join("/"))
  return {
    PATH: SEARCH_PATH,
    LANG: "C.UTF-8",
    VIRTUAL_ENV: ENVIRONMENT,
    PYTHONUNBUFFERED: "1",
    // The code belongs to root, and its bytecode is there already.
    PYTHONDONTWRITEBYTECODE: "1",
    // The one place that every user may write to, and a name for users that have none.
    HOME: "/tmp",
    USER: "app",
    ...(start.copied ? { PYTHONPATH: path.join(":") } : {}),
    ...(start.port === undefined ? {} : { PORT: String(start.port) }),
    ...start.environment,
  }
}

/** Asks the process itself, with the one program that is sure to be there. */
function withHealth(
  image: Container,
  { path, strict }: { path: string; strict: boolean },
): Container {
  const code = [
    "import http.client, os, sys",
    'connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)',
    `connection.request("GET", ${JSON.stringify(path)})`,
    `sys.exit(connection.getresponse().status >= ${strict ? 400 : 500})`,
  ]
  return image.withDockerHealthcheck(["python", "-S", "-c", code.join("; ")], {
    interval: "30s",
    timeout: "5s",
    startPeriod: "30s",
    startInterval: "1s",
    retries: 3,
  })
}

function labelsOf(
  { python, production }: Plan,
  start: Start,
  origin: Origin,
): Record<string, string> {
  const source = repositoryOf(origin) ?? production.labels.source
  const own = {
    ...production.labels,
    created: createdOf(origin),
    "base.name": `docker.io/library/${pythonImage(python)}`,
    ...(origin.revision === undefined ? {} : { revision: origin.revision }),
    ...(source === undefined ? {} : { source }),
  }
  return {
    ...Object.fromEntries(Object.entries(own).map(([name, value]) => [`${OCI}${name}`, value])),
    ...(start.release === undefined ? {} : { "pyline.release": JSON.stringify(start.release) }),
  }
}
