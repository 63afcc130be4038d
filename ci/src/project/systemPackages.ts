import { normalise } from "./requirements.ts"

interface Needs {
  /** Debian packages that building it takes, where its wheel does not fit or is not there. */
  build?: string[]
  /** Debian packages that importing or running it takes. */
  run?: string[]
}

const C = ["gcc", "libc6-dev"]
const PKG_CONFIG = [...C, "pkg-config"]

/**
 * What Python distributions need of Debian. Only what is no part of their wheels for Linux: psycopg2-binary, lxml,
 * Pillow, numpy, cryptography and opencv-python-headless bring their libraries themselves.
 */
const MAP: Record<string, Needs> = {
  psycopg2: { build: [...C, "libpq-dev"], run: ["libpq5"] },
  psycopg: { run: ["libpq5"] },
  "psycopg-c": { build: [...C, "libpq-dev"], run: ["libpq5"] },
  mysqlclient: { build: [...PKG_CONFIG, "default-libmysqlclient-dev"], run: ["libmariadb3"] },
  mariadb: { build: [...C, "libmariadb-dev"], run: ["libmariadb3"] },
  pyodbc: { run: ["unixodbc"] },
  pycairo: { build: [...PKG_CONFIG, "libcairo2-dev"], run: ["libcairo2"] },
  cairosvg: { run: ["libcairo2"] },
  cairocffi: { run: ["libcairo2"] },
  weasyprint: { run: ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"] },
  pygobject: {
    build: [...PKG_CONFIG, "libcairo2-dev", "libgirepository1.0-dev"],
    run: ["libgirepository-1.0-1"],
  },
  gdal: { build: [...C, "g++", "libgdal-dev"] },
  pygraphviz: { build: [...C, "libgraphviz-dev"], run: ["graphviz"] },
  graphviz: { run: ["graphviz"] },
  pydub: { run: ["ffmpeg"] },
  "ffmpeg-python": { run: ["ffmpeg"] },
  moviepy: { run: ["ffmpeg"] },
  "openai-whisper": { run: ["ffmpeg"] },
  pdf2image: { run: ["poppler-utils"] },
  pytesseract: { run: ["tesseract-ocr"] },
  tesserocr: { build: [...PKG_CONFIG, "g++", "libtesseract-dev"], run: ["tesseract-ocr"] },
  "python-magic": { run: ["libmagic1"] },
  "opencv-python": { run: ["libgl1", "libglib2.0-0"] },
  "opencv-contrib-python": { run: ["libgl1", "libglib2.0-0"] },
  "python-ldap": { build: [...C, "libldap2-dev", "libsasl2-dev"], run: ["libldap-common"] },
  pysasl: { build: [...C, "libsasl2-dev"] },
  xmlsec: { build: [...PKG_CONFIG, "libxmlsec1-dev", "libxml2-dev"], run: ["libxmlsec1-openssl"] },
  pysaml2: { run: ["xmlsec1"] },
  "python3-saml": { run: ["libxmlsec1-openssl"] },
  pycurl: { build: [...C, "libcurl4-openssl-dev", "libssl-dev"], run: ["libcurl4"] },
  "python-snappy": { build: [...C, "libsnappy-dev"], run: ["libsnappy1v5"] },
  gssapi: { build: [...C, "libkrb5-dev"], run: ["libgssapi-krb5-2"] },
  krb5: { build: [...C, "libkrb5-dev"], run: ["libgssapi-krb5-2"] },
  pyaudio: { build: [...C, "portaudio19-dev"], run: ["libportaudio2"] },
  sounddevice: { run: ["libportaudio2"] },
  soundfile: { run: ["libsndfile1"] },
  pyzbar: { run: ["libzbar0"] },
  pyenchant: { run: ["libenchant-2-2"] },
  pyusb: { run: ["libusb-1.0-0"] },
  hidapi: { run: ["libhidapi-libusb0"] },
  "dbus-python": {
    build: [...PKG_CONFIG, "libdbus-1-dev", "libglib2.0-dev"],
    run: ["libdbus-1-3"],
  },
  "systemd-python": { build: [...PKG_CONFIG, "libsystemd-dev"], run: ["libsystemd0"] },
  uwsgi: { build: C },
  netifaces: { build: C },
  gitpython: { run: ["git"] },
}

export interface SystemNeeds {
  build: string[]
  run: string[]
  /** Distributions that need them. */
  because: string[]
}

/** Debian packages for the distributions that are installed. Distributions, and never parts of names, decide. */
export function systemPackagesFor(distributions: readonly string[]): SystemNeeds {
  const [build, run, because] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const names = new Set(distributions.map((name) => normalise(name) ?? name))
  for (const name of [...names].sort()) {
    // psycopg[binary] has libpq in a distribution of its own.
    if (name === "psycopg" && names.has("psycopg-binary")) continue
    const needs = Object.hasOwn(MAP, name) ? MAP[name] : undefined
    for (const one of needs?.build ?? []) build.add(one)
    for (const one of needs?.run ?? []) run.add(one)
    if ((needs?.build ?? needs?.run) !== undefined) because.add(name)
  }
  return { build: [...build].sort(), run: [...run].sort(), because: [...because] }
}

/** What in the output of a failed build or import names a library, and the Debian package that has it. */
const MISSING: [RegExp, string][] = [
  [/pg_config executable not found|libpq-fe\.h|libpq\.so/, "libpq-dev"],
  [
    /mysql_config|mysqlclient\.pc|mysql\.h|Can not find valid pkg-config name/,
    "default-libmysqlclient-dev",
  ],
  [/cairo\.h|cairo\.pc|Dependency "cairo" not found|libcairo\.so/, "libcairo2-dev"],
  [/gdal-config|gdal\.h/, "libgdal-dev"],
  [/sql\.h: No such file|libodbc\.so/, "unixodbc-dev"],
  [/libxml\/\S+\.h|xml2-config|Please make sure the libxml2/, "libxml2-dev libxslt1-dev"],
  [/xmlsec1?\.pc|xmlsec1 is not installed/, "libxmlsec1-dev"],
  [/ffi\.h: No such file/, "libffi-dev"],
  [/openssl\/\S+\.h/, "libssl-dev"],
  [/jpeglib\.h|RequiredDependencyException: jpeg/, "libjpeg-dev"],
  [/zlib\.h: No such file|RequiredDependencyException: zlib/, "zlib1g-dev"],
  [/lber\.h|ldap\.h/, "libldap2-dev libsasl2-dev"],
  [/graphviz\/cgraph\.h/, "libgraphviz-dev"],
  [/portaudio\.h/, "portaudio19-dev"],
  [/curl-config/, "libcurl4-openssl-dev"],
  [/snappy-c\.h|snappy\.h/, "libsnappy-dev"],
  [/krb5-config|gssapi\.h/, "libkrb5-dev"],
  [/libGL\.so\.1/, "libgl1"],
  [/libgthread-2\.0\.so|libglib-2\.0\.so/, "libglib2.0-0"],
  [/pkg-config: (?:not found|command not found)|Did not find pkg-config/, "pkg-config"],
  [/Python\.h: No such file/, "python3-dev gcc libc6-dev"],
  [/rustc.*not found|can't find Rust compiler|cargo.*not (?:found|installed)/i, "cargo"],
  [/gfortran.*not found|Unknown compiler\(s\): \[\['gfortran/, "gfortran"],
  [
    /(?:g\+\+|c\+\+).*(?:No such file|not found)|Unknown compiler\(s\): \[\['c\+\+/,
    "g++ libc6-dev",
  ],
  [
    /(?:command '(?:[\w-]*gcc|cc|clang)' failed: No such file|unable to execute '(?:[\w-]*gcc|cc)'|Unknown compiler\(s\): \[\['cc|No such file or directory: '(?:[\w-]*gcc|cc|clang)')/,
    "gcc libc6-dev",
  ],
  [/'git'.*(?:No such file|not found)|Git executable not found|git.*not installed/i, "git"],
]

/** Debian packages that the output of a failed step asks for, with the line that does. */
export function missingLibrary(output: string): { packages: string[]; line: string } | undefined {
  for (const line of output.split("\n")) {
    for (const [pattern, packages] of MISSING) {
      if (pattern.test(line)) return { packages: packages.split(" "), line: line.trim() }
    }
  }
  return undefined
}
