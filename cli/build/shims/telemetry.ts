import { createRequire } from "node:module"

interface Configurator {
  initialize(): void
  close(): Promise<void>
}

/**
 * Stands in for the SDK's OpenTelemetry set-up and loads the real one when the environment
 * configures it (`OTEL_*`); the real one then decides as ever.
 */
export class DaggerOtelConfigurator implements Configurator {
  #real: Configurator | undefined

  initialize(): void {
    if (this.#real || !Object.keys(process.env).some((name) => name.startsWith("OTEL_"))) return
    const load = createRequire(new URL("../../../dist/", import.meta.url))
    this.#real = new (load("./telemetry.cjs").DaggerOtelConfigurator)() as Configurator
    this.#real.initialize()
  }

  async close(): Promise<void> {
    await this.#real?.close()
  }
}
