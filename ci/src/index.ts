/**
 * Continuous integration for Python projects with nothing to configure.
 *
 * What a project is (its package manager, Python version, test runner) is found out from its files, its dependencies
 * are installed in a layer that only a change of dependencies builds again, and its tests run in a container.
 */
import {
  argument,
  type Changeset,
  type Container,
  check,
  type Directory,
  type File,
  func,
  generate,
  object,
  type Secret,
} from "@dagger.io/dagger"
import { found, notice } from "./caller.ts"
import { deploy } from "./delivery/deploy.ts"
import { historyOf } from "./delivery/history.ts"
import { promote } from "./delivery/promote.ts"
import { release } from "./delivery/release.ts"
import { rollback } from "./delivery/rollback.ts"
import { showBrought, showHistory, showStatus, showValidated } from "./delivery/show.ts"
import { statusOf } from "./delivery/status.ts"
import { validate } from "./delivery/validate.ts"
import { usage } from "./errors.ts"
import { attachmentsOf, named } from "./pipeline/attachments.ts"
import { audited } from "./pipeline/audit.ts"
import { built } from "./pipeline/build.ts"
import { noticeOf } from "./pipeline/check.ts"
import { checksOf, formattedTree } from "./pipeline/checks.ts"
import { judgedTogether, reportsOf, runOne } from "./pipeline/ci.ts"
import { explain } from "./pipeline/failure.ts"
import { image } from "./pipeline/image.ts"
import { useCache, useVouchedCache } from "./pipeline/layerCache.ts"
import { publish } from "./pipeline/publish.ts"
import { publishPackage } from "./pipeline/publishPackage.ts"
import { readPlan, withStart } from "./pipeline/read.ts"
import { loginOf } from "./pipeline/registry.ts"
import { resultIn } from "./pipeline/report.ts"
import { patiently } from "./pipeline/retry.ts"
import { checkWithShell, withShell } from "./pipeline/shell.ts"
import { signerOf } from "./pipeline/signer.ts"
import { judgeSuite, runSuite } from "./pipeline/suite.ts"
import { expectedSigner, verify } from "./pipeline/verify.ts"
import type { Plan } from "./project/plan.ts"
import { planJson, showPlan } from "./project/show.ts"
import { IGNORE, WITHOUT_GIT } from "./source.ts"

/**
 * Continuous integration for Python projects with nothing to configure
 */
@object()
export class Pyline {
  /**
   * Say what the project is and what would be done with it: every decision, the file and rule behind it, and what was rejected
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param format text for people, json for the plan itself
   */
  @func()
  async plan(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    format: string = "text",
  ): Promise<string> {
    if (format !== "text" && format !== "json") {
      throw usage(`--format ${format}: not a format of the plan`, "use text or json")
    }
    const plan = await readPlan(source, python)
      .then((known) => withStart(known, source))
      .catch((error: unknown) => {
        throw explain(error, undefined)
      })
    return format === "json" ? planJson(plan) : showPlan(plan)
  }

  /**
   * Run the project's tests; fails when one is red or none is found
   *
   * @param source The project's directory
   * @param python Python versions to use instead of the one the project asks for, such as 3.13 or 3.11,3.13; matrix for all that it supports
   * @param args Arguments for the test runner, such as tests/test_api.py or -k name
   * @param allowNoTests Be green also where there are no tests
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param shard Run one part of the suite: 2/5 for the second of five
   * @param durations Reports of an earlier run; parts are made to take equally long by them
   * @param attempt Another word, such as 2, runs the tests anew where their result is known
   * @param from Folder with the reports of runs elsewhere (parts, versions): give the result of all of them, and run nothing
   * @param cache Repository of a registry in which dependency layers are looked for, such as ghcr.io/me/app-cache
   * @param cacheLogin Login at that registry, as user:password
   * @param cacheKey What is written there is vouched for with this key, and what is read must be; without it nothing is written
   * @param debug Open a shell in the failing container
   */
  @func()
  @check()
  async test(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python: string[] = [],
    args: string[] = [],
    allowNoTests: boolean = false,
    indexCredentials?: Secret,
    shard?: string,
    durations?: Directory,
    attempt?: string,
    from?: Directory,
    cache?: string,
    cacheLogin?: Secret,
    cacheKey?: Secret,
    debug: boolean = false,
  ): Promise<string> {
    await useCache({ cache, cacheLogin, cacheKey })
    const request = { args, allowNoTests, indexCredentials, shard, durations, attempt, from }
    const suite = await withShell(debug, () => runSuite(source, python, request))
    found(resultIn(suite))
    return judgeSuite(suite)
  }

  /**
   * Run all checks, or take the runs that were made, and give their reports: index.html, summary.md, result.json, JUnit XML, coverage, SARIF and more. Red is no failure here
   *
   * @param source The project's directory
   * @param python Python versions to use instead of the one the project asks for, such as 3.13 or 3.11,3.13; matrix for all that it supports
   * @param args Arguments for the test runner, such as tests/test_api.py or -k name
   * @param allowNoTests Count as green also where there are no tests
   * @param only Names of the checks whose reports are wanted, such as test,lint; all where none is named and nothing else is said of the tests
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param shard Run one part of the suite: 2/5 for the second of five
   * @param durations Reports of an earlier run; parts are made to take equally long by them
   * @param attempt Another word, such as 2, runs the tests anew where their result is known
   * @param from Folder with the reports of runs elsewhere (parts, versions): give the result of all of them, and run nothing
   * @param cache Repository of a registry in which dependency layers are looked for, such as ghcr.io/me/app-cache
   * @param cacheLogin Login at that registry, as user:password
   * @param cacheKey What is written there is vouched for with this key, and what is read must be; without it nothing is written
   */
  @func()
  async reports(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python: string[] = [],
    args: string[] = [],
    allowNoTests: boolean = false,
    only: string[] = [],
    indexCredentials?: Secret,
    shard?: string,
    durations?: Directory,
    attempt?: string,
    from?: Directory,
    cache?: string,
    cacheLogin?: Secret,
    cacheKey?: Secret,
  ): Promise<Directory> {
    await useCache({ cache, cacheLogin, cacheKey })
    const tests = { args, allowNoTests, indexCredentials, shard, durations, attempt, from }
    return await (await reportsOf(checksOf(source, { python, ...tests }, only))).sync()
  }

  /**
   * Run every check side by side: lock, lint, format, types, test and build; one table at the end, red if one is red
   *
   * @param source The project's directory
   * @param python Python versions for the tests instead of the one the project asks for, such as 3.13 or 3.11,3.13; matrix for all that it supports
   * @param allowNoTests Be green also where there are no tests
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param cache Repository of a registry in which dependency layers are looked for, such as ghcr.io/me/app-cache
   * @param cacheLogin Login at that registry, as user:password
   * @param cacheKey What is written there is vouched for with this key, and what is read must be; without it nothing is written
   */
  @func()
  async ci(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python: string[] = [],
    allowNoTests: boolean = false,
    indexCredentials?: Secret,
    cache?: string,
    cacheLogin?: Secret,
    cacheKey?: Secret,
  ): Promise<string> {
    await useCache({ cache, cacheLogin, cacheKey })
    return judgedTogether(checksOf(source, { python, allowNoTests, indexCredentials }))
  }

  /**
   * Say whether the lock is what the project's files say
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param debug Open a shell in the container of a check that is not green
   */
  @func()
  @check()
  async lock(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
    debug: boolean = false,
  ): Promise<string> {
    return runOne(checksOf(source, { python, indexCredentials }, ["lock"]), debug)
  }

  /**
   * Run the linters that the project configures, at its versions; with none, only what cannot be right is red: syntax and undefined names
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param debug Open a shell in the container of a check that is not green
   */
  @func()
  @check()
  async lint(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
    debug: boolean = false,
  ): Promise<string> {
    return runOne(checksOf(source, { python, indexCredentials }, ["lint"]), debug)
  }

  /**
   * Run the type checkers that the project configures, in its environment
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param debug Open a shell in the container of a check that is not green
   */
  @func()
  @check()
  async types(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
    debug: boolean = false,
  ): Promise<string> {
    return runOne(checksOf(source, { python, indexCredentials }, ["types"]), debug)
  }

  /**
   * Format the project with the formatters that it configures; as a check, red where that would change something
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   */
  @func()
  @generate()
  async format(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
  ): Promise<Changeset> {
    return (await formattedTree(source, { python, indexCredentials })).changes(
      source.filter(WITHOUT_GIT),
    )
  }

  /**
   * Make the image of the application: slim, without installers and without root, the same digest for the same project
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param revision The commit, for the labels of the image; the pyline command asks git for it
   * @param created When the commit was made, such as 2026-01-31T12:00:00Z; the pyline command asks git for it
   * @param repository Address of the repository, for the labels of the image; the pyline command asks git for it
   */
  @func()
  async image(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
    revision?: string,
    created?: string,
    repository?: string,
  ): Promise<Container> {
    let plan: Plan | undefined
    try {
      const known = await readPlan(source, python)
      plan = known
      const options = { indexCredentials, revision, created, repository }
      return await patiently(() => image(known, source, options))
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Check the project, make its image and publish it under its commit, version and branch; prints name:tag@sha256:…
   *
   * @param source The project's directory
   * @param registry Where to publish it, such as ghcr.io/me/app
   * @param tags Tags to give it instead of its commit, version and branch, such as 1.2.3,latest
   * @param username User name at the registry
   * @param password Password or token at the registry
   * @param platforms Machine types to make it for, such as linux/amd64,linux/arm64; the engine's own where not given
   * @param skipChecks Publish without running the checks of ci before
   * @param allowNoTests Be content also where there are no tests
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param signingKey Private key that signs the image and its provenance: ECDSA on P-256 in PEM, or one of cosign
   * @param signingPassword Password of that key
   * @param signingIdentity To sign without a key, from GitLab: an identity that it issued for the audience sigstore, env:SIGSTORE_ID_TOKEN
   * @param signingIdentityUrl To sign without a key, from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_URL
   * @param signingIdentityToken To sign without a key, from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_TOKEN
   * @param sigstore Client trust configuration of the Sigstore that is asked; the public one where not given
   * @param revision The commit; the pyline command asks git for it
   * @param branch The branch; the pyline command asks git for it
   * @param created When the commit was made, such as 2026-01-31T12:00:00Z; the pyline command asks git for it
   * @param repository Address of the repository; the pyline command asks git for it
   * @param cache Repository of a registry in which dependency layers are looked for, such as ghcr.io/me/app-cache
   * @param cacheLogin Login at that registry, as user:password
   * @param cacheKey What is written there is vouched for with this key, and what is read must be; without it nothing is written
   */
  @func({ cache: "never" })
  async publish(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    registry: string,
    tags: string[] = [],
    username?: string,
    password?: Secret,
    platforms: string[] = [],
    skipChecks: boolean = false,
    allowNoTests: boolean = false,
    python?: string,
    indexCredentials?: Secret,
    signingKey?: Secret,
    signingPassword?: Secret,
    signingIdentity?: Secret,
    signingIdentityUrl?: Secret,
    signingIdentityToken?: Secret,
    sigstore?: File,
    revision?: string,
    branch?: string,
    created?: string,
    repository?: string,
    cache?: string,
    cacheLogin?: Secret,
    cacheKey?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      await useVouchedCache({ cache, cacheLogin, cacheKey })
      plan = await readPlan(source, python)
      return await publish(plan, source, {
        ...{ registry, tags, username, password, platforms, skipChecks, allowNoTests },
        ...{ python, indexCredentials, revision, branch, created, repository },
        ...{ cacheLogin, cacheKey },
        signer: signerOf({
          ...{ key: signingKey, password: signingPassword, identity: signingIdentity },
          ...{ identityUrl: signingIdentityUrl, identityToken: signingIdentityToken, sigstore },
        }),
      })
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Check that an image was signed with a key or by an identity, and say what its signed provenance says; fails when it was not
   *
   * @param image The image in its registry, such as ghcr.io/me/app:1.2.3
   * @param key The public key, in PEM
   * @param identity Who signed it without a key, such as https://github.com/me/app/.github/workflows/ci.yml@refs/heads/main; * stands for anything
   * @param issuer Who vouches for that identity, such as https://token.actions.githubusercontent.com
   * @param sigstore Client trust configuration of the Sigstore that was asked; the public one where not given
   * @param username User name at the registry
   * @param password Password or token at the registry
   */
  @func({ cache: "never" })
  async verify(
    image: string,
    key?: File,
    identity?: string,
    issuer?: string,
    sigstore?: File,
    username?: string,
    password?: Secret,
  ): Promise<string> {
    try {
      const expected = expectedSigner({ key, identity, issuer, sigstore })
      return await verify(image, expected, await loginOf(username, password))
    } catch (error) {
      throw explain(error, undefined)
    }
  }

  /**
   * Give what publish put beside an image: bills of materials, provenance, signatures, release.json
   *
   * @param image The image in its registry, such as ghcr.io/me/app:1.2.3
   * @param username User name at the registry
   * @param password Password or token at the registry
   */
  @func({ cache: "never" })
  async attachments(image: string, username?: string, password?: Secret): Promise<Directory> {
    try {
      return await named(await attachmentsOf(image, await loginOf(username, password))).sync()
    } catch (error) {
      throw explain(error, undefined)
    }
  }

  /**
   * Build the sdist and, from it, the wheel; fails when what is in them is wrong, or does not install, import and answer in a clean environment
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param packageVersion The version of a project that takes its own from git, such as 1.2.0
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param debug Open a shell in the container of a check that is not green
   */
  @func()
  @check()
  async build(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    packageVersion?: string,
    indexCredentials?: Secret,
    debug: boolean = false,
  ): Promise<Directory> {
    let plan: Plan | undefined
    try {
      const known = await readPlan(source, python)
      plan = known
      const options = { version: packageVersion, indexCredentials }
      const { result, dist } = await checkWithShell(debug, () => built(known, source, options))
      // Files are what it gives, so what else there is to say is said beside them.
      notice(noticeOf(result))
      return await dist.sync()
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Ask for known vulnerabilities in what is installed; fails when there is one that audit-ignore does not accept
   *
   * @param source The project's directory
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param debug Open a shell in the container of a check that is not green
   */
  @func({ cache: "never" })
  async audit(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    python?: string,
    indexCredentials?: Secret,
    debug: boolean = false,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      const known = await readPlan(source, python)
      plan = known
      const checked = await checkWithShell(debug, () => audited(known, source, indexCredentials))
      return noticeOf(checked.result)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Build the sdist and the wheel, check them and publish them to a package index; uploads nothing that is there already
   *
   * @param source The project's directory
   * @param index pypi, testpypi, or the address that one uploads to, such as https://pypi.example.com/legacy/
   * @param simple Address of the index's simple API, where it is not beside the first
   * @param username User name at the index, where the token is a password
   * @param token Token or password at the index
   * @param identity For trusted publishing from GitLab: the identity it issued, env:PYPI_ID_TOKEN
   * @param identityUrl For trusted publishing from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_URL
   * @param identityToken For trusted publishing from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_TOKEN
   * @param packageVersion The version of a project that takes its own from git, such as 1.2.0
   * @param skipChecks Publish without running tests and checks before
   * @param allowNoTests Publish also where there are no tests
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   */
  @func({ cache: "never" })
  async publishPackage(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    index: string = "pypi",
    simple?: string,
    username?: string,
    token?: Secret,
    identity?: Secret,
    identityUrl?: Secret,
    identityToken?: Secret,
    packageVersion?: string,
    skipChecks: boolean = false,
    allowNoTests: boolean = false,
    python?: string,
    indexCredentials?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, python)
      return await publishPackage(plan, source, {
        ...{ index, simple, username, token, identity, identityUrl, identityToken },
        ...{ version: packageVersion, skipChecks, allowNoTests, python, indexCredentials },
      })
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Bring an image to an environment: start it beside what runs, wait until it is healthy, switch, and prove what runs then
   *
   * @param source The project's directory
   * @param environment Name of the environment, such as staging
   * @param image The image in its registry, such as ghcr.io/me/app@sha256:…
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param username User name at the registry
   * @param password Password or token at the registry
   * @param by Who does this, for the ledger; the pyline command asks the CI host or git
   * @param run The run on the CI host, for the ledger; the pyline command asks the host
   * @param endHold Deploy again after a rollback
   * @param again Try an image again that the validation of the environment said no to before
   * @param breakLock Take the lock from a run that is not at work any more
   * @param skipPromotion Deploy to an environment that images are promoted to, though nothing was verified before
   */
  @func({ cache: "never" })
  async deploy(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    environment: string,
    image: string,
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    username?: string,
    password?: Secret,
    by?: string,
    run?: string,
    endHold: boolean = false,
    again: boolean = false,
    breakLock: boolean = false,
    skipPromotion: boolean = false,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const brought = await deploy(plan, source, environment, image, {
        ...{ sshKey, knownHosts, kubeconfig, token, username, password },
        ...{ by, run, endHold, again, breakLock, skipPromotion },
      })
      return showBrought(brought)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Ask what runs in an environment whether it is as it should be, by HTTP and by the project's own tests; fails when it is not. The verdict is kept for promote
   *
   * @param source The project's directory
   * @param environment Name of the environment, such as staging
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param username User name at the registry
   * @param password Password or token at the registry
   * @param by Who does this, for the ledger; the pyline command asks the CI host or git
   * @param run The run on the CI host, for the ledger; the pyline command asks the host
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   */
  @func({ cache: "never" })
  async validate(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    environment: string,
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    username?: string,
    password?: Secret,
    by?: string,
    run?: string,
    indexCredentials?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const validated = await validate(plan, source, environment, {
        ...{ sshKey, knownHosts, kubeconfig, token, username, password },
        ...{ by, run, indexCredentials },
      })
      return showValidated(environment, validated)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Bring what runs and is verified in one environment to another, the same digest, and validate it there; takes no image
   *
   * @param source The project's directory
   * @param from Name of the environment where it runs and is verified, such as staging
   * @param to Name of the environment to bring it to, such as production
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param username User name at the registry
   * @param password Password or token at the registry
   * @param fromSshKey Private key for the environment that is promoted from, where it is another one
   * @param fromKubeconfig Access to the cluster that is promoted from, where it is another one
   * @param fromToken What the commands of the environment that is promoted from need, where it is something else
   * @param fromUsername User name at the registry that is promoted from, where it is another one
   * @param fromPassword Password or token at that registry
   * @param by Who does this, for the ledger; the pyline command asks the CI host or git
   * @param run The run on the CI host, for the ledger; the pyline command asks the host
   * @param endHold Deploy again after a rollback
   * @param again Try an image again that the validation of the environment said no to before
   * @param breakLock Take the lock from a run that is not at work any more
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   */
  @func({ cache: "never" })
  async promote(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    from: string,
    to: string,
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    username?: string,
    password?: Secret,
    fromSshKey?: Secret,
    fromKubeconfig?: Secret,
    fromToken?: Secret,
    fromUsername?: string,
    fromPassword?: Secret,
    by?: string,
    run?: string,
    endHold: boolean = false,
    again: boolean = false,
    breakLock: boolean = false,
    indexCredentials?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const brought = await promote(plan, source, from, to, {
        ...{ sshKey, knownHosts, kubeconfig, token, username, password },
        ...{ by, run, endHold, again, breakLock, indexCredentials },
        origin: {
          sshKey: fromSshKey,
          knownHosts,
          kubeconfig: fromKubeconfig,
          token: fromToken,
          username: fromUsername,
          password: fromPassword,
        },
      })
      return showBrought(brought)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Go back to the last verified image of an environment, and hold it there until --end-hold
   *
   * @param source The project's directory
   * @param environment Name of the environment, such as production
   * @param to Digest to go back to instead, one that was deployed there: sha256:…
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param username User name at the registry
   * @param password Password or token at the registry
   * @param by Who does this, for the ledger; the pyline command asks the CI host or git
   * @param run The run on the CI host, for the ledger; the pyline command asks the host
   * @param breakLock Take the lock from a run that is not at work any more
   */
  @func({ cache: "never" })
  async rollback(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    environment: string,
    to?: string,
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    username?: string,
    password?: Secret,
    by?: string,
    run?: string,
    breakLock: boolean = false,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const brought = await rollback(plan, source, environment, {
        ...{ sshKey, knownHosts, kubeconfig, token, username, password },
        ...{ to, by, run, breakLock },
      })
      return showBrought(brought)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Say what runs in the environments, how that is proven, and what is known of it
   *
   * @param source The project's directory
   * @param environment Name of one of them; all where not given
   * @param format text for people, json for programs
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param username User name at the registry
   * @param password Password or token at the registry
   */
  @func({ cache: "never" })
  async status(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    environment?: string,
    format: string = "text",
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    username?: string,
    password?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const all = await statusOf(plan, source, environment, {
        ...{ sshKey, knownHosts, kubeconfig, token, username, password },
      })
      return format === "json" ? JSON.stringify(all, undefined, 2) : all.map(showStatus).join("\n")
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * List what was done to an environment, newest first: its ledger
   *
   * @param source The project's directory
   * @param environment Name of the environment, such as production
   * @param most How many records are read
   * @param format text for people, json for programs
   * @param username User name at the registry
   * @param password Password or token at the registry
   */
  @func({ cache: "never" })
  async history(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    environment: string,
    most: number = 20,
    format: string = "text",
    username?: string,
    password?: Secret,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      plan = await readPlan(source, undefined)
      const records = await historyOf(plan, source, environment, most, { username, password })
      return format === "json"
        ? JSON.stringify(records, undefined, 2)
        : showHistory(environment, records)
    } catch (error) {
      throw explain(error, plan)
    }
  }

  /**
   * Do all of it: check, publish, deploy to the first environment, validate there, and promote the same digest to each environment after it
   *
   * @param source The project's directory
   * @param registry Where to publish it, such as ghcr.io/me/app; where not given, the registry of the first environment
   * @param tags Tags to give it instead of its commit, version and branch, such as 1.2.3,latest
   * @param username User name at the registry
   * @param password Password or token at the registries of the images
   * @param platforms Machine types to make it for, such as linux/amd64,linux/arm64; the engine's own where not given
   * @param skipChecks Publish without running the checks of ci before
   * @param allowNoTests Be content also where there are no tests
   * @param python Python version to use instead of the one the project asks for, such as 3.13
   * @param indexCredentials Credentials of private package indexes: a netrc file, a pip.conf, or lines such as UV_INDEX_INTERNAL_PASSWORD=token
   * @param signingKey Private key that signs the image and its provenance: ECDSA on P-256 in PEM, or one of cosign
   * @param signingPassword Password of that key
   * @param signingIdentity To sign without a key, from GitLab: an identity that it issued for the audience sigstore, env:SIGSTORE_ID_TOKEN
   * @param signingIdentityUrl To sign without a key, from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_URL
   * @param signingIdentityToken To sign without a key, from GitHub: env:ACTIONS_ID_TOKEN_REQUEST_TOKEN
   * @param sigstore Client trust configuration of the Sigstore that is asked; the public one where not given
   * @param revision The commit; the pyline command asks git for it
   * @param branch The branch; the pyline command asks git for it
   * @param created When the commit was made, such as 2026-01-31T12:00:00Z; the pyline command asks git for it
   * @param repository Address of the repository; the pyline command asks git for it
   * @param cache Repository of a registry in which dependency layers are looked for, such as ghcr.io/me/app-cache
   * @param cacheLogin Login at that registry, as user:password
   * @param cacheKey What is written there is vouched for with this key, and what is read must be; without it nothing is written
   * @param sshKey Private key for the target: an ssh host
   * @param knownHosts Its known_hosts file: only hosts in it are spoken to
   * @param kubeconfig Access to a Kubernetes cluster
   * @param token Anything that the commands of a command environment need; they find it in the file PYLINE_TOKEN_FILE
   * @param fromSshKey Private key for the environment that is promoted from, where it is another one
   * @param fromKubeconfig Access to the cluster that is promoted from, where it is another one
   * @param fromToken What the commands of the environment that is promoted from need, where it is something else
   * @param fromUsername User name at the registry that is promoted from, where it is another one
   * @param fromPassword Password or token at that registry
   * @param by Who does this, for the ledger; the pyline command asks the CI host or git
   * @param run The run on the CI host, for the ledger; the pyline command asks the host
   * @param endHold Deploy again after a rollback
   * @param again Try an image again that the validation of the environment said no to before
   * @param breakLock Take the lock from a run that is not at work any more
   */
  @func({ cache: "never" })
  async release(
    @argument({ defaultPath: "/", ignore: IGNORE }) source: Directory,
    registry?: string,
    tags: string[] = [],
    username?: string,
    password?: Secret,
    platforms: string[] = [],
    skipChecks: boolean = false,
    allowNoTests: boolean = false,
    python?: string,
    indexCredentials?: Secret,
    signingKey?: Secret,
    signingPassword?: Secret,
    signingIdentity?: Secret,
    signingIdentityUrl?: Secret,
    signingIdentityToken?: Secret,
    sigstore?: File,
    revision?: string,
    branch?: string,
    created?: string,
    repository?: string,
    cache?: string,
    cacheLogin?: Secret,
    cacheKey?: Secret,
    sshKey?: Secret,
    knownHosts?: Secret,
    kubeconfig?: Secret,
    token?: Secret,
    fromSshKey?: Secret,
    fromKubeconfig?: Secret,
    fromToken?: Secret,
    fromUsername?: string,
    fromPassword?: Secret,
    by?: string,
    run?: string,
    endHold: boolean = false,
    again: boolean = false,
    breakLock: boolean = false,
  ): Promise<string> {
    let plan: Plan | undefined
    try {
      await useVouchedCache({ cache, cacheLogin, cacheKey })
      plan = await readPlan(source, python)
      return await release(plan, source, {
        ...{ registry, tags, username, password, platforms, skipChecks, allowNoTests },
        ...{ python, indexCredentials, revision, branch, created, repository },
        ...{ cacheLogin, cacheKey, sshKey, knownHosts, kubeconfig, token },
        ...{ by, run, endHold, again, breakLock },
        signer: signerOf({
          ...{ key: signingKey, password: signingPassword, identity: signingIdentity },
          ...{ identityUrl: signingIdentityUrl, identityToken: signingIdentityToken, sigstore },
        }),
        origin: {
          sshKey: fromSshKey,
          knownHosts,
          kubeconfig: fromKubeconfig,
          token: fromToken,
          username: fromUsername,
          password: fromPassword,
        },
      })
    } catch (error) {
      throw explain(error, plan)
    }
  }
}
