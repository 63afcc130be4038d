import { randomUUID } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Registry } from "../contract/servers/registry.ts"
import { pushPostgres } from "./postgres.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// A real PostgreSQL. pg8000 is a client in Python alone, so that nothing is compiled.
let registry: Registry
let image = ""
beforeAll(async () => {
  registry = await Registry.start()
  image = await pushPostgres(registry.host)
}, 1_200_000)
afterAll(() => registry.down())

const DB = `import os
import urllib.parse

import pg8000.dbapi
import pytest


@pytest.fixture
def db():
    url = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    db = pg8000.dbapi.connect(
        user=url.username, password=url.password, host=url.hostname, port=url.port, database=url.path[1:], timeout=30
    )
    yield db.cursor()
    db.close()
`

const TESTS = `import os

import pg8000.dbapi
import pytest


def test_server(db):
    db.execute("show server_version_num")
    assert int(db.fetchone()[0]) >= 150000
    db.execute("select current_database(), current_user")
    assert db.fetchone() == [os.environ["PGDATABASE"], os.environ["PGUSER"]] == ["orders", "postgres"]


def test_rows(db):
    db.execute("create table orders (id serial primary key, name text not null)")
    db.execute("insert into orders (name) values ('tea'), ('milk') returning id")
    assert db.fetchall() == ([1], [2])


def test_null(db):
    db.execute("create table only_this_run (name text not null)")
    with pytest.raises(pg8000.dbapi.DatabaseError, match="not-null"):
        db.execute("insert into only_this_run values (null)")
`

function project(settings: string, tests: string): string {
  const source = folder()
  mkdirSync(path.join(source, "tests"))
  const text = `[project]
name = "orders"
version = "1.0"
requires-python = ">=3.11"

[dependency-groups]
test = ["pytest", "pg8000"]

[tool.pyline.services]
postgres = { image = "${image}", database = "orders"${settings} }
`
  writeFileSync(path.join(source, "pyproject.toml"), text)
  writeFileSync(path.join(source, "tests/conftest.py"), DB)
  writeFileSync(path.join(source, "tests/test_orders.py"), `# ${randomUUID()}\n${tests}`)
  return source
}

test("tests on two versions side by side have a database each: green", async () => {
  const source = project("", TESTS)
  const run = await pyline(["test", "--source", source, "--python", "3.11,3.13"])
  expect(run.exitCode, run.all).toBe(0)
  expect(lastLine(run.stdout)).toMatch(/^6 passed on 2 versions of Python in/)
  expect(run.stderr).toContain("database system is ready to accept connections")
  const plan = await pyline(["plan", "--source", source])
  expect(plan.stdout).toContain(`services           postgres (${image})`)
  // Nothing is started where the result is known.
  const again = await pyline(["test", "--source", source, "--python", "3.11,3.13"])
  expect(again.exitCode, again.all).toBe(0)
  expect(again.stderr).not.toContain("database system")
})

test("a red test is red as ever", async () => {
  const run = await pyline([
    "test",
    "--source",
    project("", "def test_red(db):\n    db.execute('select 1')\n    assert db.fetchone() == [2]\n"),
  ])
  expect(run.exitCode, run.all).toBe(1)
  expect(run.stderr).toMatch(/^ {2}tests\/test_orders\.py:4 test_red - assert \[1\] == \[2\]/m)
})

test("a service that ends at its start: no test runs, its words are shown, exit 2", async () => {
  const source = project(`, command = ["postgres", "-c", "no_such_setting=1"]`, TESTS)
  const run = await pyline(["test", "--source", source])
  expect(run.exitCode, run.all).toBe(2)
  expect(run.stderr).toMatch(
    /^error\[SERVICE_FAILED\]: the service postgres ended with exit status 1 before it could be used\nNo test was run\.\n.*FATAL: {2}unrecognized configuration parameter "no_such_setting"$/m,
  )
  expect(run.stderr).not.toContain("test session starts")
})

test("a service that ends while the tests run: no verdict on the project, exit 3", async () => {
  const die = `def test_die(db):
    db.execute("copy (select 1) to program 'kill -9 $(head -1 /var/lib/postgresql/data/postmaster.pid)'")
`
  const run = await pyline(["test", "--source", project("", `${die}\n\n${TESTS}`)])
  expect(run.exitCode, run.all).toBe(3)
  expect(run.stderr).toContain("database system is ready to accept connections")
  expect(run.stderr).toContain(
    "error[SERVICE_LOST]: the service postgres did not answer any more when the tests were over",
  )
})
