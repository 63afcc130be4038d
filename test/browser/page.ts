import { setTimeout as sleep } from "node:timers/promises"

type Send = <T>(method: string, params?: object) => Promise<T>

/** How large the window is, and how it is coloured. */
export interface Look {
  width: number
  height: number
  scheme: "light" | "dark"
}

/** A page of the browser, and what it complained about and asked the network for. */
export class Page {
  readonly complaints: string[] = []
  readonly requests: string[] = []
  readonly #send: Send
  readonly close: () => Promise<unknown>
  #loaded = () => {}

  constructor(send: Send, close: () => Promise<unknown>) {
    this.#send = send
    this.close = close
  }

  async prepare(): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network", "Accessibility"])
      await this.#send(`${domain}.enable`)
  }

  hear(method: string, params: never): void {
    const said = params as {
      entry: { level: string; text: string }
      args: { value?: unknown }[]
      exceptionDetails: { text: string; exception?: { description?: string } }
      request: { url: string }
      message: string
    }
    if (method === "Log.entryAdded") this.complaints.push(said.entry.text)
    if (method === "Runtime.consoleAPICalled")
      this.complaints.push(said.args.map(({ value }) => String(value)).join(" "))
    if (method === "Runtime.exceptionThrown")
      this.complaints.push(
        said.exceptionDetails.exception?.description ?? said.exceptionDetails.text,
      )
    if (method === "Page.javascriptDialogOpening") this.complaints.push(`dialog: ${said.message}`)
    if (method === "Network.requestWillBeSent") this.requests.push(said.request.url)
    if (method === "Page.loadEventFired") this.#loaded()
  }

  async look({ width, height, scheme }: Look): Promise<void> {
    await this.#send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: 1,
      mobile: width < 600,
    })
    await this.#send("Emulation.setEmulatedMedia", {
      features: [{ name: "prefers-color-scheme", value: scheme }],
    })
  }

  /** Opens an address and waits until it has loaded. Gives the milliseconds that took. */
  async open(url: string): Promise<number> {
    const loaded = new Promise<void>((resolve) => {
      this.#loaded = resolve
    })
    const start = performance.now()
    const { errorText } = await this.#send<{ errorText?: string }>("Page.navigate", { url })
    if (errorText) throw new Error(`${url}: ${errorText}`)
    await loaded
    return performance.now() - start
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#send<{
      result: { value: T }
      exceptionDetails?: { text: string; exception?: { description?: string } }
    }>("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  /** Waits until an expression is true, in milliseconds from now. */
  async until(expression: string, within = 20_000): Promise<number> {
    const start = performance.now()
    while (!(await this.evaluate<boolean>(expression))) {
      if (performance.now() - start > within) throw new Error(`not true in time: ${expression}`)
      await sleep(20)
    }
    return performance.now() - start
  }

  async withoutScripts(): Promise<void> {
    await this.#send("Emulation.setScriptExecutionDisabled", { value: true })
  }

  /** Everything that is written on the page, also where scripts are off. */
  async text(): Promise<string> {
    return (await this.accessible())
      .filter(({ role }) => role === "StaticText")
      .map(({ name }) => name)
      .join(" ")
  }

  async press(key: string): Promise<void> {
    const code =
      key === "Enter" ? { text: "\r", windowsVirtualKeyCode: 13 } : { windowsVirtualKeyCode: 9 }
    for (const type of ["keyDown", "keyUp"])
      await this.#send("Input.dispatchKeyEvent", { type, key, code: key, ...code })
  }

  async type(text: string): Promise<void> {
    await this.#send("Input.insertText", { text })
  }

  /** What a screen reader is told: role and name of everything that is not ignored. */
  async accessible(): Promise<{ role: string; name: string }[]> {
    const { nodes } = await this.#send<{
      nodes: { ignored: boolean; role?: { value: string }; name?: { value: string } }[]
    }>("Accessibility.getFullAXTree")
    return nodes.flatMap(({ ignored, role, name }) =>
      ignored ? [] : [{ role: role?.value ?? "", name: name?.value ?? "" }],
    )
  }

  /** A picture of the whole page, as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#send<{ data: string }>("Page.captureScreenshot", {
      captureBeyondViewport: true,
    })
    return Buffer.from(data, "base64")
  }
}
