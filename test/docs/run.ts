/** What `test/e2e/docs.e2e.test.ts` does with a command of a page. */
interface Run {
  /** Where: a copy of an example (the default), or the checkout itself. */
  in?: "checkout"
  /** What has to be among what it says. */
  says: string
  exits?: number
}

/** Commands of the pages that are run as they stand there, in this order: most of them in one copy of `examples/library-src`. */
export const RUN: { [command: string]: Run } = {
  "./pyline test --source examples/fastapi-uv": { in: "checkout", says: "16 passed" },
  "./pyline test --source examples/library-src": { in: "checkout", says: "16 passed" },
  "pyline test --source examples/fastapi-uv": { in: "checkout", says: "16 passed" },
  "pyline test": { says: "16 passed" },
  "pyline test --attempt 2": { says: "16 passed" },
  "pyline test --python 3.11,3.13": { says: "32 passed on 2 versions of Python" },
  "pyline lint": { says: "ruff found nothing wrong" },
  "pyline ci": { says: "checks passed" },
  "pyline build": { says: "slugs-1.2.0-py3-none-any.whl" },
  "./pyline ci --source .": { says: "checks passed" },
  "pyline report --open": { says: "index.html" },
  "pyline build --package-version 1.2.0": { says: "slugs-1.2.0-py3-none-any.whl" },
  "pyline build -o dist": { says: "written to dist" },
  "pyline reports -o pyline-reports": { says: "written to pyline-reports" },
  "pyline reports --only test -o pyline-reports": { says: "written to pyline-reports" },
  "pyline test --from pyline-reports": { says: "16 passed" },
  "pyline reports --from pyline-reports -o merged": { says: "written to merged" },
  "pyline history": { says: "All 16 tests passed" },
  "pyline history --json": { says: '"v":1' },
  "pyline engine status": { says: "state" },
  "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem": { says: "" },
  "openssl pkey -in key.pem -pubout -out key.pub": { says: "" },
  'ssh-keygen -t ed25519 -N "" -C pyline -f deploy_key': { says: "SHA256:" },
  "base64 --wrap=0 deploy_key": { says: "LS0tLS1CRUdJTiBPUEVOU1NI" },
}

/** Commands that another test runs with other values: which one, and what of it shows that it does. */
export const RUN_ELSEWHERE: { command: RegExp; test: string; there: string }[] = [
  {
    command: /^pyline init (?:github|gitlab|jenkins|travis|circleci)/,
    test: "test/hosts/host.ts",
    there: "/pyline init $",
  },
  {
    command: /^pyline publish /,
    test: "test/e2e/publish.e2e.test.ts",
    there: '"publish"',
  },
  {
    command: /^pyline publish-package/,
    test: "test/e2e/publishPackage.e2e.test.ts",
    there: '"publish-package"',
  },
  ...["release", "deploy", "validate", "promote", "rollback"].map((verb) => ({
    command: new RegExp(`^pyline ${verb} `),
    test: "test/e2e/delivery.e2e.test.ts",
    there: `("${verb}", `,
  })),
  { command: /^pyline audit/, test: "test/e2e/audit.e2e.test.ts", there: '"audit"' },
  {
    command: /^pyline publish .*--signing-identity/,
    test: "test/e2e/keyless.e2e.test.ts",
    there: "--signing-identity-url=env:ISSUE",
  },
  {
    command: /^pyline verify .*--identity/,
    test: "test/e2e/keyless.e2e.test.ts",
    there: '"--identity", identity',
  },
  {
    command: /^cosign verify .*--certificate-identity/,
    test: "test/e2e/keyless.e2e.test.ts",
    there: "--certificate-identity",
  },
  { command: /^pyline verify/, test: "test/e2e/publish.e2e.test.ts", there: '"verify"' },
  { command: /^pyline attachments/, test: "test/e2e/publish.e2e.test.ts", there: '"attachments"' },
  {
    command: /^pyline deploy production .*--ssh-key/,
    test: "test/e2e/deliveryDocker.e2e.test.ts",
    there: '"deploy"',
  },
  { command: /^pyline image/, test: "test/e2e/oci.ts", there: '"image"' },
  { command: /^pyline test --debug/, test: "test/e2e/debug.e2e.test.ts", there: "--debug" },
  {
    command: /^pyline lint --debug/,
    test: "test/e2e/debug.e2e.test.ts",
    there: '"lint", "--source", source, "--debug"',
  },
  { command: /^pyline run --/, test: "test/e2e/examples.e2e.test.ts", there: '"run", "--"' },
  {
    command: /^pyline test --python matrix/,
    test: "test/e2e/matrix.e2e.test.ts",
    there: '"--python", "matrix',
  },
  { command: /^pyline test .* -- /, test: "test/e2e/reports.e2e.test.ts", there: '"--", "-k"' },
  {
    command: /^pyline reports --only audit/,
    test: "test/e2e/audit.e2e.test.ts",
    there: '"reports", "--only", "audit"',
  },
  {
    command: /^cosign verify/,
    test: "test/e2e/publish.e2e.test.ts",
    there: '["verify-attestation", "--type=slsaprovenance1"]',
  },
  { command: /^ssh-keyscan /, test: "test/hosts/tutorial.hosts.test.ts", there: "ssh-keyscan" },
  { command: /^pyline reports --shard/, test: "test/e2e/matrix.e2e.test.ts", there: "--shard" },
  {
    command: /^pyline test --index-credentials/,
    test: "test/e2e/indexes.e2e.test.ts",
    there: "--index-credentials",
  },
  { command: /^pyline ci --cache/, test: "test/e2e/registryCache.e2e.test.ts", there: "--cache" },
  {
    command: /^pyline format --auto-apply/,
    test: "test/e2e/checks.e2e.test.ts",
    there: "--auto-apply",
  },
]
