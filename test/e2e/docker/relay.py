"""Connections from one network namespace to another. Arguments: LISTEN=CONNECT, each `tcp:PORT` on loopback or `unix:PATH`."""

import asyncio
import sys


TASKS = set()


async def main(pairs):
    servers = []
    for pair in pairs:
        here, _, there = pair.partition("=")
        servers.append(await listen(here, there))
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def listen(here, there):
    async def serve(reader, writer):
        # Whoever forgets a task ends it.
        TASKS.add(task := asyncio.current_task())
        task.add_done_callback(TASKS.discard)
        try:
            other_reader, other_writer = await connect(there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pipe(reader, other_writer), pipe(other_reader, writer))
        for each in (writer, other_writer):
            each.close()

    kind, _, at = here.partition(":")
    if kind == "unix":
        return await asyncio.start_unix_server(serve, at)
    return await asyncio.start_server(serve, "127.0.0.1", int(at))


def connect(there):
    kind, _, at = there.partition(":")
    return asyncio.open_unix_connection(at) if kind == "unix" else asyncio.open_connection("127.0.0.1", int(at))


async def pipe(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


asyncio.run(main(sys.argv[1:]))
