"""A vendor that sends every message of a WebSocket back. Prints its port."""

import asyncio

from websockets.asyncio.server import serve


async def answer(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(answer, "127.0.0.1", 0) as server:
        print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
