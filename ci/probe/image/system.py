"""Make the system layer of an image, in the image itself: python - install USER [PACKAGE…]

Installs Debian packages, takes out the installers of Python packages, names the user. Whatever has changed gets one and the
same time, and logs and caches go, so that the layer is the same each time that the same packages are installed.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import time

EPOCH = 315532800

PYTHONS = ("/usr/local/lib/python3*/site-packages", "/usr/local/lib/python3*/dist-packages", "/usr/lib/python3/dist-packages")
INSTALLERS = (
    *(f"{at}/{name}" for at in PYTHONS for name in (
        "pip", "pip-*", "setuptools", "setuptools-*", "pkg_resources", "_distutils_hack", "distutils-precedence.pth",
        "wheel", "wheel-*",
    )),
    "/usr/local/lib/python3*/ensurepip", "/usr/lib/python3*/ensurepip", "/usr/share/python-wheels",
    "/usr/local/bin/pip*", "/usr/local/bin/wheel*", "/usr/bin/pip*", "/usr/bin/wheel*", "/usr/bin/uv", "/usr/bin/uvx",
)  # fmt: skip
# Times and addresses of the machine that built.
TRACES = (
    "/var/lib/apt/lists/*", "/var/cache/apt/*", "/var/cache/debconf/*", "/var/cache/ldconfig/*", "/var/log/*",
    "/var/lib/dpkg/*-old", "/tmp/*", "/root/.cache", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-",
)  # fmt: skip


def remove(patterns: tuple[str, ...]) -> None:
    for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def apt(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *command], env=environment, check=True, stdin=subprocess.DEVNULL)


def name_user(name: str, number: int) -> None:
    """For programs that ask who they are. A user that is there under the name or number stays."""
    for path, entry in (
        ("/etc/passwd", f"{name}:x:{number}:{number}::/tmp:/usr/sbin/nologin\n"),
        ("/etc/group", f"{name}:x:{number}:\n"),
    ):
        with open(path, encoding="utf-8") as file:
            fields = [line.split(":") for line in file]
        if not any(name == line[0] or str(number) == line[2] for line in fields if len(line) > 2):
            with open(path, "a", encoding="utf-8") as file:
                file.write(entry)


def settle(since: float) -> None:
    """One time for all that has changed."""
    for directory, directories, names in os.walk("/", topdown=False):
        if directory.startswith(("/proc", "/sys", "/dev")):
            continue
        for path in (os.path.join(directory, name) for name in names + directories):
            if path in ("/proc", "/sys", "/dev"):
                continue
            try:
                if os.lstat(path).st_mtime >= since:
                    os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
            except OSError:
                # What the engine mounts is no part of the image.
                continue


def main() -> int:
    # Clocks of file systems are a little coarser than this one.
    since = time.time() - 1
    _, number, *packages = sys.argv[1:]
    if packages:
        apt(packages)
    remove(INSTALLERS)
    name_user("app", int(number))
    remove(TRACES)
    settle(since)
    return 0


if __name__ == "__main__":
    sys.exit(main())
