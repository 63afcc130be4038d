/** What the probe (ci/probe/app.py) finds in the modules of a project: what could be started. */
export interface AppFacts {
  schema: 1
  procfile?: { file: string; processes: { name: string; command: string; line: number }[] }
  apps: App[]
  django?: Django
  /** Scripts that draw a page of Streamlit. */
  pages: Place[]
  mains: (Place & { kind: "module" | "script" })[]
  /** Functions that start a server themselves, "" for the module's own code; `asks` where it looks at PORT. */
  servers: (Place & { function: string; port?: unknown; asks?: boolean })[]
  /** The queues of RQ. */
  queues?: Place & { names: string[] }
  /** A path that is there to ask whether the application is well. */
  health?: string
}

export interface Place {
  file: string
  line: number
  /** The directory from which the module is imported, and its name there. */
  root: string
  module: string
}

export interface App extends Place {
  framework: string
  protocol: "asgi" | "wsgi" | "aiohttp" | "gradio" | "celery"
  kind: "object" | "factory"
  name: string
  async?: boolean
}

export interface Django {
  manage: string
  root: string
  settings?: string
  /** `package.wsgi:application` */
  wsgi?: string
  asgi?: string
  /** True where the settings name an ASGI application. */
  asynchronous?: boolean
  staticRoot?: { file: string; line: number }
  /** Variables that the settings cannot do without. */
  environment: string[]
}
