"""Make a layer of an image out of what an install has left: a tree that is the same each time.

    python layer.py dependencies --environment /opt/venv --known FILE --output DIRECTORY
    python layer.py application --environment /opt/venv --known FILE --output DIRECTORY [--source DIRECTORY]

`dependencies` takes the whole environment and writes down in the known file what is in it. `application` takes what has come
to it since, and the source; where there is no environment, the source alone. Every time in the tree is the same, modes are 644 or 755, and bytecode is valid by its hash:
neither when nor where something was built is in it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

# The first time that a ZIP file can hold, like wheels. Fixed, so that a commit alone changes no layer.
EPOCH = 315532800
CHUNK = 200
# For a shell of a person, or with the time of the build in them.
LEFT_OUT = {".lock", ".gitignore", "CACHEDIR.TAG", "pydoc.bat", "deactivate.bat"}
OF_INSTALLERS = {"uv_cache.json", "uv_build.json", "REQUESTED"}


def walk(root: str):
    """Paths of the files and links below a directory, from it, in a fixed order."""
    for directory, directories, names in os.walk(root):
        links = [name for name in directories if os.path.islink(os.path.join(directory, name))]
        directories[:] = sorted(name for name in directories if name not in links and name != "__pycache__")
        for name in sorted(names + links):
            yield os.path.relpath(os.path.join(directory, name), root)


def is_installed(path: str) -> bool:
    """Whether a file of the environment is something that runs."""
    directory, name = os.path.split(path)
    if name.endswith(".pyc") or (not directory and name in LEFT_OUT):
        return False
    if directory == "bin":
        return name not in LEFT_OUT and not name.lower().startswith("activate")
    return not (directory.endswith(".dist-info") and name in OF_INSTALLERS)


def is_test(path: str) -> bool:
    *directories, name = path.split("/")
    return (
        not {"tests", "test"}.isdisjoint(directories)
        or name in ("conftest.py", "tests.py")
        or (name.startswith("test_") and name.endswith(".py"))
    )


def put(source: str, target: str) -> None:
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.islink(source):
        os.symlink(os.readlink(source), target)
        return
    status = os.lstat(source)
    if not stat.S_ISREG(status.st_mode):
        return
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if status.st_mode & 0o111 else 0o644)


def correct_record(output: str, environment: str, left_out: set[str]) -> None:
    """Takes what is not in the layer out of the lists of what distributions have installed."""
    root = output + environment
    for path in walk(root):
        if not path.endswith(".dist-info/RECORD"):
            continue
        packages = os.path.dirname(os.path.dirname(path))
        with open(os.path.join(root, path), encoding="utf-8", newline="") as file:
            lines = file.read().splitlines()
        kept = []
        for line in lines:
            name = line.rsplit(",", 2)[0].strip('"')
            installed = os.path.normpath(os.path.join(packages, name))
            if name.endswith(".pyc") or installed in left_out:
                continue
            kept.append(line)
        with open(os.path.join(root, path), "w", encoding="utf-8", newline="") as file:
            file.write("".join(f"{line}\n" for line in sorted(kept)))


def compile_all(output: str) -> None:
    """Bytecode of every module of the layer."""
    sources = [path for path in walk(output) if path.endswith(".py") and "/bin/" not in path]
    chunks = [sources[at : at + CHUNK] for at in range(0, len(sources), CHUNK)]

    # Marshalled code depends on what else its process has seen: a process for each chunk, and the same chunks each time.
    def compile_chunk(chunk: list[str]) -> None:
        subprocess.run(
            [sys.executable, "-S", __file__, "compile", output],
            input=json.dumps(chunk).encode(),
            env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
            check=True,
        )

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(compile_chunk, chunks))


def compile_files(output: str) -> None:
    import importlib.util
    import py_compile

    for path in json.load(sys.stdin):
        source = os.path.join(output, path)
        try:
            py_compile.compile(
                source,
                cfile=importlib.util.cache_from_source(source),
                dfile="/" + path,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError, RecursionError, OSError):
            # Templates and code for other Pythons: it is compiled, or fails, when it is imported.
            continue


def settle(output: str) -> None:
    """The same times and modes everywhere."""
    for directory, directories, names in os.walk(output, topdown=False):
        for name in names + directories:
            path = os.path.join(directory, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.path.isdir(path) or os.lstat(path).st_mode & 0o111 else 0o644)
            os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(output, (EPOCH, EPOCH))


def main() -> int:
    if sys.argv[1] == "compile":
        compile_files(sys.argv[2])
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["dependencies", "application"])
    parser.add_argument("--environment", required=True)
    parser.add_argument("--known", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--source")
    arguments = parser.parse_args()
    os.makedirs(arguments.output, exist_ok=True)
    own = arguments.kind == "application"
    known = set()
    if own and os.path.exists(arguments.known):
        with open(arguments.known, encoding="utf-8") as file:
            known = set(json.load(file))
    paths = list(walk(arguments.environment))
    if not own:
        with open(arguments.known, "w", encoding="utf-8") as file:
            json.dump(paths, file)
    left_out = set()
    for path in paths:
        if path in known:
            continue
        if is_installed(path) and not (own and is_test(path)):
            put(os.path.join(arguments.environment, path), arguments.output + arguments.environment + "/" + path)
        else:
            left_out.add(path)
    correct_record(arguments.output, arguments.environment, left_out)
    if arguments.source is not None:
        os.makedirs(arguments.output + arguments.source, exist_ok=True)
        for path in walk(arguments.source):
            if not is_test(path):
                put(os.path.join(arguments.source, path), arguments.output + arguments.source + "/" + path)
    compile_all(arguments.output)
    settle(arguments.output)
    files = sum(1 for _ in walk(arguments.output))
    print(f"{files} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
