import { readFileSync } from "node:fs"
import path from "node:path"
import { expect, test } from "vitest"
import { pythonHas } from "../ci/fixtures.ts"
import { runModule, tree } from "./python.ts"

const SITE = "opt/venv/lib/python3.13/site-packages"

const ROOT = {
  [`${SITE}/Flask_Thing-2.0.dist-info/METADATA`]: [
    "Metadata-Version: 2.4",
    "Name: Flask_Thing",
    "Version: 2.0+local.1",
    "Summary: Things for Flask",
    "License-Expression: MIT OR Apache-2.0",
    "Project-URL: Source, https://git.test/thing",
    "Requires-Dist: click>=8",
    'Requires-Dist: tomli; python_version < "3.11"',
    "Requires-Dist: not-installed",
    "",
    "Name: not a header any more",
  ].join("\n"),
  [`${SITE}/click-8.1.8.dist-info/METADATA`]:
    "Metadata-Version: 2.1\nName: click\nVersion: 8.1.8\nLicense: BSD\nClassifier: License :: OSI Approved :: BSD License\nAuthor: Pallets <hello@git.test>\nHome-page: javascript:alert(1)\n",
  [`${SITE}/tomli-2.dist-info/METADATA`]: "Name: tomli\nVersion: 2\n",
  [`${SITE}/broken-1.dist-info/METADATA`]: "nothing",
  "usr/local/include/python3.13/patchlevel.h": '#define PY_VERSION\t"3.13.5"\n',
  "etc/os-release": 'ID=debian\nVERSION_ID="13"\n',
  "var/lib/dpkg/status": `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Depends: libgcc-s1 (>= 4), other | libgcc-s1
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Homepage: https://www.gnu.org/software/libc/libc.html
Description: GNU C Library
 continued: not a field

Package: libgcc-s1
Status: install ok installed
Architecture: amd64
Version: 14.2.0-19

Package: libstdc++6
Status: install ok installed
Architecture: amd64
Version: 1:14.2.0+x~1

Package: gone
Status: deinstall ok config-files
Version: 1
`,
}

const LOCK = `[[package]]
name = "click"
version = "8.1.8"
wheels = [{ url = "https://files.test/click-8.1.8-py3-none-any.whl", hash = "sha256:${"ab".repeat(32)}" }]
`

function documents(root: string) {
  const subject = {
    ...{ name: "ghcr.io/me/app", version: `sha256:${"cd".repeat(32)}`, platform: "linux/amd64" },
    ...{ created: "2026-01-01T00:00:00Z", tool: "0.1.0" },
    dependencies: { kind: "uv", documents: { "uv.lock": LOCK } },
  }
  const folder = tree({ "subject.json": JSON.stringify(subject) })
  const said = runModule("sbom", root, path.join(folder, "subject.json"), folder)
  const read = (name: string) => JSON.parse(readFileSync(path.join(folder, name), "utf8"))
  return { said, cyclonedx: read("sbom.cdx.json"), spdx: read("sbom.spdx.json") }
}

// The probe's container has it; a machine that only runs unit tests may not.
test.skipIf(!pythonHas("packaging.licenses"))(
  "a bill of materials names what is installed, and where that is known from",
  () => {
    const root = tree(ROOT)
    const { said, cyclonedx, spdx } = documents(root)
    expect(said).toBe("3 Python distributions, 3 system packages\n")
    expect(cyclonedx.components).toMatchInlineSnapshot(`
      [
        {
          "bom-ref": "interpreter:python@3.13.5",
          "cpe": "cpe:2.3:a:python:python:3.13.5:*:*:*:*:*:*:*",
          "evidence": {
            "occurrences": [
              {
                "location": "/usr/local/include/python3.13/patchlevel.h",
              },
            ],
          },
          "externalReferences": [
            {
              "type": "website",
              "url": "https://www.python.org/",
            },
          ],
          "licenses": [
            {
              "expression": "Python-2.0",
            },
          ],
          "name": "python",
          "publisher": "Python Software Foundation",
          "purl": "pkg:generic/python@3.13.5",
          "type": "application",
          "version": "3.13.5",
        },
        {
          "bom-ref": "python:click@8.1.8",
          "evidence": {
            "occurrences": [
              {
                "location": "/opt/venv/lib/python3.13/site-packages/click-8.1.8.dist-info",
              },
            ],
          },
          "externalReferences": [
            {
              "hashes": [
                {
                  "alg": "SHA-256",
                  "content": "abababababababababababababababababababababababababababababababab",
                },
              ],
              "type": "distribution",
              "url": "https://files.test/click-8.1.8-py3-none-any.whl",
            },
          ],
          "licenses": [
            {
              "license": {
                "name": "BSD License",
              },
            },
          ],
          "name": "click",
          "publisher": "Pallets <hello@git.test>",
          "purl": "pkg:pypi/click@8.1.8",
          "type": "library",
          "version": "8.1.8",
        },
        {
          "bom-ref": "python:flask-thing@2.0+local.1",
          "description": "Things for Flask",
          "evidence": {
            "occurrences": [
              {
                "location": "/opt/venv/lib/python3.13/site-packages/Flask_Thing-2.0.dist-info",
              },
            ],
          },
          "externalReferences": [
            {
              "type": "website",
              "url": "https://git.test/thing",
            },
          ],
          "licenses": [
            {
              "expression": "MIT OR Apache-2.0",
            },
          ],
          "name": "Flask_Thing",
          "purl": "pkg:pypi/flask-thing@2.0%2Blocal.1",
          "type": "library",
          "version": "2.0+local.1",
        },
        {
          "bom-ref": "python:tomli@2",
          "evidence": {
            "occurrences": [
              {
                "location": "/opt/venv/lib/python3.13/site-packages/tomli-2.dist-info",
              },
            ],
          },
          "name": "tomli",
          "purl": "pkg:pypi/tomli@2",
          "type": "library",
          "version": "2",
        },
        {
          "bom-ref": "debian:libc6@2.41-12",
          "description": "GNU C Library",
          "evidence": {
            "occurrences": [
              {
                "location": "/var/lib/dpkg/status",
              },
            ],
          },
          "externalReferences": [
            {
              "type": "website",
              "url": "https://www.gnu.org/software/libc/libc.html",
            },
          ],
          "name": "libc6",
          "purl": "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=debian-13",
          "supplier": {
            "name": "GNU Libc Maintainers <debian-glibc@lists.debian.org>",
          },
          "type": "library",
          "version": "2.41-12",
        },
        {
          "bom-ref": "debian:libgcc-s1@14.2.0-19",
          "evidence": {
            "occurrences": [
              {
                "location": "/var/lib/dpkg/status",
              },
            ],
          },
          "name": "libgcc-s1",
          "purl": "pkg:deb/debian/libgcc-s1@14.2.0-19?arch=amd64&distro=debian-13",
          "type": "library",
          "version": "14.2.0-19",
        },
        {
          "bom-ref": "debian:libstdc++6@1:14.2.0+x~1",
          "evidence": {
            "occurrences": [
              {
                "location": "/var/lib/dpkg/status",
              },
            ],
          },
          "name": "libstdc++6",
          "purl": "pkg:deb/debian/libstdc%2B%2B6@1:14.2.0%2Bx~1?arch=amd64&distro=debian-13",
          "type": "library",
          "version": "1:14.2.0+x~1",
        },
      ]
    `)
    expect(cyclonedx.dependencies.slice(1)).toMatchInlineSnapshot(`
      [
        {
          "dependsOn": [],
          "ref": "interpreter:python@3.13.5",
        },
        {
          "dependsOn": [],
          "ref": "python:click@8.1.8",
        },
        {
          "dependsOn": [
            "python:click@8.1.8",
          ],
          "ref": "python:flask-thing@2.0+local.1",
        },
        {
          "dependsOn": [],
          "ref": "python:tomli@2",
        },
        {
          "dependsOn": [
            "debian:libgcc-s1@14.2.0-19",
          ],
          "ref": "debian:libc6@2.41-12",
        },
        {
          "dependsOn": [],
          "ref": "debian:libgcc-s1@14.2.0-19",
        },
        {
          "dependsOn": [],
          "ref": "debian:libstdc++6@1:14.2.0+x~1",
        },
      ]
    `)
    expect(
      spdx.packages.map(
        ({ name, licenseDeclared, licenseComments, supplier }: Record<string, string>) => [
          name,
          licenseDeclared,
          licenseComments,
          supplier,
        ],
      ),
    ).toMatchInlineSnapshot(`
      [
        [
          "ghcr.io/me/app",
          undefined,
          undefined,
          undefined,
        ],
        [
          "python",
          "Python-2.0",
          undefined,
          "Organization: Python Software Foundation",
        ],
        [
          "click",
          "NOASSERTION",
          "BSD License",
          "Person: Pallets (hello@git.test)",
        ],
        [
          "Flask_Thing",
          "MIT OR Apache-2.0",
          undefined,
          undefined,
        ],
        [
          "tomli",
          "NOASSERTION",
          undefined,
          undefined,
        ],
        [
          "libc6",
          "NOASSERTION",
          undefined,
          "Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)",
        ],
        [
          "libgcc-s1",
          "NOASSERTION",
          undefined,
          undefined,
        ],
        [
          "libstdc++6",
          "NOASSERTION",
          undefined,
          undefined,
        ],
      ]
    `)
    expect(spdx.packages.find(({ name }: { name: string }) => name === "click").checksums).toEqual([
      { algorithm: "SHA256", checksumValue: "ab".repeat(32) },
    ])
    // The same image gives the same bytes.
    expect(documents(root)).toEqual({ said, cyclonedx, spdx })
  },
)
