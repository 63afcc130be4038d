import { writeFileSync } from "node:fs"
import path from "node:path"
import { $ } from "zx"
import { folder, root } from "./pyline.ts"

/** What the official image's entrypoint does, as far as tests need it, with Debian's PostgreSQL. */
const ENTRYPOINT = `#!/bin/sh
set -e
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data"
  chown postgres "$data"
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi
if [ ! -s "$data/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password -A scram-sha-256 > /dev/null
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  # Nobody but this script is to meet the server that makes the database.
  pg_ctl -D "$data" -o "-c listen_addresses=''" -w start > /dev/null
  PGPASSWORD="$POSTGRES_PASSWORD" createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -D "$data" -m fast -w stop > /dev/null
fi
exec "$@" -D "$data" -c listen_addresses=*
`

/** With the packages in a step of their own, which a warm engine knows. */
const PROGRAM = `import { readFileSync } from "node:fs"
import { connect } from ${JSON.stringify(path.join(root, "node_modules/@dagger.io/dagger/dist/src/index.js"))}
const [reference, apt, entrypoint] = process.argv.slice(2)
await connect(async (dag) => {
  const image = dag
    .container()
    .from("python:3.13-slim")
    .withMountedFile("/opt/apt.sh", dag.directory().withNewFile("apt.sh", readFileSync(apt, "utf8")).file("apt.sh"))
    .withExec(["sh", "/opt/apt.sh", "postgresql"])
    .withoutMount("/opt/apt.sh")
    .withExec(["sh", "-c", "ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && install -d -o postgres /var/run/postgresql"])
    .withNewFile("/usr/local/bin/docker-entrypoint.sh", readFileSync(entrypoint, "utf8"), { permissions: 0o755 })
    .withEntrypoint(["docker-entrypoint.sh"])
    .withDefaultArgs(["postgres"])
    .withExposedPort(5432)
  console.log(await image.publish(reference))
})
process.exit(0)
`

/** Makes an image of Debian's PostgreSQL that is configured as the official one and pushes it; its reference. */
export async function pushPostgres(registry: string): Promise<string> {
  const at = folder()
  const program = path.join(at, "postgres.mjs")
  const entrypoint = path.join(at, "docker-entrypoint.sh")
  writeFileSync(program, PROGRAM)
  writeFileSync(entrypoint, ENTRYPOINT)
  const apt = path.join(root, "ci/probe/apt.sh")
  const reference = `${registry}/postgres:17`
  await $({
    cwd: root,
    quiet: true,
  })`./pyline run -- node ${program} ${reference} ${apt} ${entrypoint}`
  return reference
}
