import { type Container, dag } from "@dagger.io/dagger"
import type { Service } from "../project/services.ts"

/** How long a service may take until it can be used. A database makes its files first. */
const PATIENCE = "120s"

/**
 * With services, which run as long as the next step does, and the variables by which tests find them.
 *
 * @param run what the services are for: two runs side by side must not meet in one database
 */
export function withServices(
  container: Container,
  services: readonly Service[],
  run: string,
): Container {
  return services.reduce((before, service) => {
    const bound = before.withServiceBinding(service.name, running(service, run))
    return Object.entries(service.exports).reduce(
      (with_, [name, value]) => with_.withEnvVariable(name, value),
      bound,
    )
  }, container)
}

function running({ image, command, ports, environment, health }: Service, run: string) {
  let container = dag.container().from(image).withEnvVariable("PYLINE_RUN", run)
  for (const [name, value] of Object.entries(environment))
    container = container.withEnvVariable(name, value)
  for (const port of ports) container = container.withExposedPort(port)
  if (health !== undefined)
    container = container.withDockerHealthcheck(health, {
      interval: "250ms",
      timeout: "10s",
      startPeriod: PATIENCE,
      retries: 3,
    })
  return container.asService({
    useEntrypoint: true,
    ...(command === undefined ? {} : { args: command }),
  })
}

/** Where each of them is, for the program that runs the tests: it looks whether they are still there. */
export const placesOf = (services: readonly Service[]): string =>
  services
    .flatMap(({ name, ports }) => ports.slice(0, 1).map((port) => `${name}:${port}`))
    .join(",")
