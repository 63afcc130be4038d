"""
Asks an address without a pause until standard input ends, on connections that stay, on new ones, and for slow answers.
Prints one JSON document: how many answers there were, by version, and every request that got none.
"""

import http.client
import json
import sys
import threading
import time
from collections import Counter

HOST, PORT = sys.argv[1], int(sys.argv[2])
stop = threading.Event()
answers, failures, lock = Counter(), [], threading.Lock()


def ask(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise ValueError(f"{answer.status} {body[:100]!r}")
    return json.loads(body)["version"]


def client(path, stays, pause):
    connection = None
    while not stop.is_set():
        fresh = connection is None
        if fresh:
            connection = http.client.HTTPConnection(HOST, PORT, timeout=30)
        try:
            version = ask(connection, path)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            connection.close()
            connection = None
            # RFC 9112, 9.3.1: a server may close a connection that is idle at any time, and a client asks again then.
            with lock:
                if fresh:
                    failures.append(f"{path}: {error!r}")
                else:
                    answers["asked again"] += 1
            continue
        except Exception as error:
            connection.close()
            connection = None
            with lock:
                failures.append(f"{path}: {error!r}")
            continue
        with lock:
            answers[version] += 1
        if not stays:
            connection.close()
            connection = None
        time.sleep(pause)


clients = [("/version", True, 0.02)] * 3 + [("/version", False, 0.02)] * 3 + [("/slow", False, 0)] * 2
threads = [threading.Thread(target=client, args=each) for each in clients]
for thread in threads:
    thread.start()
print("asking", flush=True)
sys.stdin.read()
stop.set()
for thread in threads:
    thread.join()
print(json.dumps({"answers": answers, "failures": failures}))
