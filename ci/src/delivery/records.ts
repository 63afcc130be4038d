/** What runs in an environment, as its runtime proves it. */
export interface Running {
  digest: string
  release: string
  since: string
  proof: string
}

/** A record of the ledger, as ci/probe/delivery/ledger.py writes it. */
export interface LedgerRecord {
  /** The digest of its manifest. */
  id: string
  seq: number
  event:
    | "deployed"
    | "promoted"
    | "rolled-back"
    | "verified"
    | "invalid"
    | "failed"
    | "unknown"
    | "started"
    | "unchanged"
  /** RFC 3339. */
  at: string
  by?: string
  run?: string
  digest?: string
  /** The commit. */
  revision?: string
  why?: string
  source?: { environment: string; repository: string; record: string }
  unverified?: boolean
  /** Though the validation had said no to it before. */
  again?: boolean
}

/** What came of bringing an image to run. */
export interface Brought {
  environment: string
  /** `name@sha256:…` */
  image: string
  before: Running | null
  after: Running
  /** It ran there already. */
  unchanged: boolean
  record: LedgerRecord
}
