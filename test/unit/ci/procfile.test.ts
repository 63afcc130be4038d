import { describe, expect, test } from "vitest"
import {
  doubtsOf,
  lineCommand,
  portIn,
  programOf,
  shown,
} from "../../../ci/src/project/procfile.ts"

describe("a line of a Procfile", () => {
  test.each([
    ["gunicorn app:app", "exec gunicorn app:app"],
    ["gunicorn app:app --bind 0.0.0.0:$PORT", "exec gunicorn app:app --bind 0.0.0.0:$PORT"],
    ["poetry run gunicorn app:app", "exec gunicorn app:app"],
    ["pipenv run python main.py", "exec python main.py"],
    ["cd src && gunicorn app:app", "cd src && gunicorn app:app"],
    ["A=1 gunicorn app:app", "A=1 gunicorn app:app"],
    ["python a.py; python b.py", "python a.py; python b.py"],
    ["exec gunicorn app:app", "exec gunicorn app:app"],
    ["python $(cat which)", "python $(cat which)"],
  ])("%s", (line, expected) => {
    expect(lineCommand(line)).toEqual(["/bin/sh", "-c", expected])
    expect(shown(lineCommand(line))).toBe(expected.replace(/^exec /, ""))
  })
})

test.each([
  ["gunicorn app:app", "gunicorn"],
  ["A=1 gunicorn app:app", "gunicorn"],
  ["python -m uvicorn app:app", "uvicorn"],
  ["flask db upgrade; gunicorn app:app", "gunicorn"],
  ["cd src && waitress-serve app:app", "waitress"],
  ["python main.py", undefined],
  ["toString", undefined],
])("%s needs %s", (line, expected) => {
  expect(programOf(lineCommand(line))).toBe(expected)
})

test.each([
  ["uvicorn app:app --port 8080", 8080],
  ["gunicorn -b 0.0.0.0:5000 app:app", 5000],
  ["gunicorn --bind=:7000 app:app", 7000],
  ["gunicorn --bind [::]:7001 app:app", 7001],
  ["uvicorn app:app --port $PORT", undefined],
  ["python main.py", undefined],
])("%s listens on %s", (line, expected) => {
  expect(portIn(lineCommand(line))).toBe(expected)
})

test.each([
  ["gunicorn app:app", []],
  ["uvicorn app:app --host 0.0.0.0", []],
  [
    "uvicorn app:app",
    [
      "uvicorn listens on 127.0.0.1 unless it is told --host 0.0.0.0: nothing outside of the container reaches it",
    ],
  ],
  [
    "flask db upgrade; gunicorn app:app",
    ["the start command migrates the database in every container: make it the release command"],
  ],
  ["make run", ["the start command is one of make, which is not in the image"]],
])("what is doubtful about %s", (line, expected) => {
  expect(doubtsOf(lineCommand(line))).toEqual(expected)
})
