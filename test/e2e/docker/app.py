"""The application of the tests. It says which version it is, and what it does wrong is told by files beside it."""

import http.client
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "version.json"), encoding="utf-8") as file:
    SAYS = json.load(file)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/slow":
            time.sleep(1)
        ill = path == "/healthz" and SAYS.get("ill")
        body = json.dumps({"version": SAYS["version"], "said": os.environ.get("SAID", "")}).encode()
        self.send_response(500 if ill else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    # Requests that are being answered end before the process does.
    daemon_threads = False
    request_queue_size = 128


def main():
    if sys.argv[1:] == ["migrate"]:
        print(f"migrating to {SAYS['version']}", flush=True)
        time.sleep(SAYS.get("migrates", 0))
        sys.exit(3 if SAYS.get("stuck") else 0)
    if sys.argv[1:] == ["well"]:
        connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=4)
        connection.request("GET", "/healthz")
        sys.exit(SAYS.get("status", 1) if connection.getresponse().status != 200 else 0)
    if SAYS.get("dies"):
        print("no database", flush=True)
        sys.exit(7)
    time.sleep(SAYS.get("starts", 0))
    server = Server(("0.0.0.0", int(os.environ.get("PORT", "8000"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"version {SAYS['version']} listens", flush=True)
    server.serve_forever()
    os._exit(0)


main()
