"""Read the test files of a project and tell for which runner they are written, as one JSON document.

    python evidence.py DIRECTORY OUTPUT

The files are parsed, never imported. ci/src/project/runner.ts describes the document.
"""

from __future__ import annotations

import ast
import json
import os
import stat
import sys

FILES = 2_000
BYTES = 1_000_000


def test_files(root: str):
    """Python files below the directory, links not followed, in a fixed order."""
    count = 0
    for directory, directories, names in os.walk(root):
        directories.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                count += 1
                if count > FILES:
                    return
                yield os.path.join(directory, name)


def source(path: str) -> str | None:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > BYTES:
            return None
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig", "replace")
    except OSError:
        return None


def evidence(tree: ast.Module) -> tuple[tuple[int, str] | None, tuple[int, str] | None]:
    """(for pytest, for unittest), each with its line."""
    for_pytest = for_unittest = None
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            package = name.split(".")[0]
            if package == "pytest" or package.startswith("pytest_"):
                for_pytest = for_pytest or (node.lineno, f"a test file imports {package}")
            elif package == "unittest" and name != "unittest.mock":
                for_unittest = for_unittest or (node.lineno, "a test file imports unittest")
    for node in tree.body:
        is_function = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        # unittest finds methods of TestCase classes only; a test function at module level is pytest's.
        if is_function and node.name.startswith("test") and node.name != "test":
            for_pytest = for_pytest or (node.lineno, "test functions outside of classes are found by pytest only")
    return for_pytest, for_unittest


def main() -> int:
    root, output = sys.argv[1:]
    facts: dict = {"schema": 1}
    for path in test_files(root):
        text = source(path)
        if text is None:
            continue
        try:
            found = evidence(ast.parse(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for runner, item in zip(("pytest", "unittest"), found):
            if item is not None and runner not in facts:
                facts[runner] = {"file": os.path.relpath(path, root), "line": item[0], "what": item[1]}
        if "pytest" in facts:
            break
    with open(output, "w", encoding="ascii") as file:
        json.dump(facts, file)
    print(next((facts[runner]["what"] for runner in ("pytest", "unittest") if runner in facts), "no test was found"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
