import { randomUUID } from "node:crypto"
import { type Container, dag } from "@dagger.io/dagger"
import type { Plan } from "../project/plan.ts"
import { PROVENANCE, provenance, signature } from "../project/provenance.ts"
import { type PassedCheck, releaseOf } from "../project/release.ts"
import type { Tags } from "../project/tags.ts"
import { attach } from "./attach.ts"
import type { Login } from "./registry.ts"
import { sbomOf } from "./sbom.ts"
import { type Signer, signedBy } from "./signer.ts"
import { pythonImage, UV } from "./toolbox.ts"

/** An image that is in the registry, and what is known of how it came there. */
export interface Published {
  name: string
  digest: string
  tags: Tags
  checks: PassedCheck[]
  checksSkipped: boolean
  started: Date
  login: Login | undefined
  revision: string | undefined
  branch: string | undefined
  repository: string | undefined
  version: string | undefined
  signer: Signer | undefined
}

/** Attaches bills of materials, provenance, release.json and, with a key or an identity, signatures. */
export async function describe(
  plan: Plan,
  variants: Readonly<Record<string, Container>>,
  published: Published,
): Promise<void> {
  const { name, digest, tags, checks, checksSkipped, signer, login } = published
  const { revision, branch, repository, version } = published
  const finished = new Date().toISOString()
  const platforms = Object.keys(variants)
  const all = [...tags.stay, ...tags.keep, ...tags.move]
  const base = await dag.container().from(pythonImage(plan.python)).imageRef()
  const made = provenance(
    {
      ...{ name, digest, plan, tags: all, platforms, base, tools: { uv: UV } },
      ...{ revision, repository, branch },
    },
    { invocation: randomUUID(), started: published.started.toISOString(), finished },
  )
  const signed = { signature: signature({ name, digest }), provenance: made }
  const sboms = Object.fromEntries(
    Object.entries(variants).map(([platform, variant]) => [
      platform,
      sbomOf(
        variant,
        { name, version, platform, created: toSeconds(finished) },
        plan.production.dependencies,
      ),
    ]),
  )
  const release = releaseOf({
    ...{ name, digest, tags, platforms, checks, checksSkipped, plan },
    ...(revision === undefined ? {} : { revision }),
    ...(branch === undefined ? {} : { branch }),
    ...(repository === undefined ? {} : { repository }),
    ...(version === undefined ? {} : { version }),
    time: finished,
  })
  const bundles = signer && {
    directory: await signedBy(signed, signer),
    predicates: { signature: signed.signature.predicateType, provenance: PROVENANCE },
  }
  // Tags are put last: until then they are on the image before this one.
  const like = [...tags.move, ...tags.keep][0]
  await attach(name, digest, { sboms, provenance: made, release, bundles, like }, login)
}

/** Formats of bills of materials want no fractions of a second. */
const toSeconds = (time: string): string => time.replace(/\.\d+Z$/, "Z")
