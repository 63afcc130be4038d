import subprocess

import magic

PIXEL = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0"


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    # A library that a distribution needs, and a program that a setting names: both are Debian's.
    kind = magic.from_buffer(PIXEL)
    banner = subprocess.run(["figlet", "-f", "term", "banner"], capture_output=True, check=True).stdout
    return [f"hello from a Procfile: {kind}\n".encode(), banner]
