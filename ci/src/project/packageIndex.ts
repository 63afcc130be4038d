import { usage } from "../errors.ts"

/** Where distributions are uploaded to, and where the index says what it has. */
export interface PackageIndex {
  upload: string
  simple: string
  /** It takes wheels that fit one machine only. */
  takesLinuxWheels: boolean
}

const KNOWN: Record<string, PackageIndex> = {
  pypi: {
    upload: "https://upload.pypi.org/legacy/",
    simple: "https://pypi.org/simple/",
    takesLinuxWheels: false,
  },
  testpypi: {
    upload: "https://test.pypi.org/legacy/",
    simple: "https://test.pypi.org/simple/",
    takesLinuxWheels: false,
  },
}

/**
 * The index of a name or of the address that one uploads to.
 *
 * @param simple the address of its simple API (PEP 503), where that is not at the usual place beside the first
 * @throws USAGE
 */
export function packageIndex(index: string, simple: string | undefined): PackageIndex {
  const upload = KNOWN[index]?.upload ?? checked("--index", index)
  const known = Object.values(KNOWN).find((one) => one.upload === upload)
  return {
    upload,
    simple:
      simple === undefined ? (known?.simple ?? simpleOf(upload)) : checked("--simple", simple),
    takesLinuxWheels: known?.takesLinuxWheels ?? true,
  }
}

/** PyPI's own software has both beside each other, GitLab, Nexus, Artifactory and pypiserver one below the other. */
function simpleOf(upload: string): string {
  const address = upload.replace(/\/+$/, "")
  return `${address.replace(/\/legacy$/, "")}/simple/`
}

function checked(flag: string, text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw usage(
      `${flag} ${text}: not the address of a package index`,
      "use pypi, testpypi or an address such as https://pypi.example.com/legacy/",
    )
  }
  if (!/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "")
    throw usage(`${flag} ${text}: not an http(s) address of a package index`, "correct it")
  if (url.username !== "" || url.password !== "")
    throw usage(
      `${flag} has a login in it, which would be printed`,
      "give it with --username and --token",
    )
  return text
}

/** Of files to publish those that the index takes, and those that fit this machine only. */
export function portable(
  names: readonly string[],
  { takesLinuxWheels }: PackageIndex,
): { files: string[]; left: string[] } {
  const left = takesLinuxWheels ? [] : names.filter((name) => /-linux_[\w.]+\.whl$/.test(name))
  return { files: names.filter((name) => !left.includes(name)), left }
}
