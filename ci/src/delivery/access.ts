import type { Secret } from "@dagger.io/dagger"
import { type Login, loginOf } from "../pipeline/registry.ts"

/** What lets the pipeline in, as a verb is given it. */
export interface Credentials {
  sshKey?: Secret | undefined
  knownHosts?: Secret | undefined
  kubeconfig?: Secret | undefined
  token?: Secret | undefined
  username?: string | undefined
  password?: Secret | undefined
}

/** The files that ci/probe/delivery finds them in, and who one is to the registry. */
export interface Access {
  files: Record<string, Secret>
  login: Login | undefined
}

/** `prefix` is of the environment that is promoted from, where it has credentials of its own. */
export async function accessOf(credentials: Credentials, prefix = ""): Promise<Access> {
  const { sshKey, knownHosts, kubeconfig, token, username, password } = credentials
  const login = await loginOf(username, password)
  const given = {
    "ssh-key": sshKey,
    "known-hosts": knownHosts,
    kubeconfig,
    token,
    password: login?.password,
  }
  const files = Object.entries(given).flatMap(([name, secret]) =>
    secret === undefined ? [] : [[`${prefix}${name}`, secret] as const],
  )
  return { files: Object.fromEntries(files), login }
}
