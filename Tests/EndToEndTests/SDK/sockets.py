"""WebSockets through the gateway, by clients as their makers ship them.

sockets.py GATEWAY_PORT VENDOR_PORT

Plays the vendor on VENDOR_PORT with the package `websockets`, and calls it through the gateway with
the same package, with OpenAI's SDK for the realtime API and with its SDK for responses. Prints a line
for each.
"""

import asyncio
import json
import random
import sys

import openai
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

gateway_port, vendor_port = int(sys.argv[1]), int(sys.argv[2])


# Bytes that a client sends to a vendor that rests: more than any buffer on the way holds.
RESTED = 24 << 20


def usage(count):
    return {"input_tokens": count, "output_tokens": count, "total_tokens": 2 * count}


async def answer(socket):
    """Answers a `response.create` as OpenAI does."""
    count = 0
    async for text in socket:
        message = json.loads(text)
        if message["type"] != "response.create":
            continue
        count += 1
        name = f"resp_{count}"
        response = {"id": name, "object": "realtime.response", "model": "m", "output": []}
        is_session = "/realtime" in socket.request.path
        end = "response.done" if is_session else "response.completed"
        await socket.send(
            json.dumps(
                {
                    "type": "response.created",
                    "sequence_number": 0,
                    "response": {**response, "status": "in_progress"},
                }
            )
        )
        await socket.send(
            json.dumps(
                {
                    "type": end,
                    "sequence_number": 1,
                    "response": {**response, "status": "completed", "usage": usage(count)},
                }
            )
        )


async def rest(socket):
    """Reads nothing for a while, pings included."""
    socket.transport.pause_reading()
    await asyncio.sleep(3)
    socket.transport.resume_reading()
    count = 0
    async for message in socket:
        count += len(message)
        if count == RESTED:
            await socket.send("all of it")


async def vendor(socket):
    if "/echo" in socket.request.path:
        async for message in socket:
            await socket.send(message)
    elif "/rest" in socket.request.path:
        await rest(socket)
    elif "/bye" in socket.request.path:
        await socket.close(1001, "session expired")
    else:
        await answer(socket)


def uri(path):
    return f"ws://127.0.0.1:{gateway_port}{path}"


async def echo():
    """Messages of all sizes, both ways at once, with pings between them, compressed and not."""
    for compression in ("deflate", None):
        generator = random.Random(18)
        messages = []
        for index in range(400):
            length = generator.choice([0, 1, 125, 126, 1000, 65535, 65536, 200_000])
            if index % 2:
                messages.append(generator.randbytes(length))
            else:
                messages.append("".join(generator.choices("abcdef ", k=length)))
        async with connect(
            uri("/v1/realtime/echo"), compression=compression, max_size=None, ping_interval=0.05
        ) as socket:

            async def send():
                for message in messages:
                    await socket.send(message)

            sender = asyncio.create_task(send())
            for message in messages:
                assert await socket.recv() == message
            await sender
            await (await socket.ping())
        print("echo", compression, len(messages), "same")


async def patience():
    """A vendor that takes nothing for 3 seconds, and a client that gives up after 5 without a pong."""
    async with connect(
        uri("/v1/realtime/rest"), ping_interval=0.5, ping_timeout=5, max_size=None
    ) as socket:
        piece = random.Random(50).randbytes(1 << 20)
        for _ in range(RESTED // len(piece)):
            await socket.send(piece)
        assert await socket.recv() == "all of it"
        await (await socket.ping())
    print("rested, alive")


async def farewell():
    async with connect(uri("/v1/realtime/bye")) as socket:
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            print("closed", closed.rcvd.code, closed.rcvd.reason)


async def realtime():
    client = openai.AsyncOpenAI(
        api_key="sk-test", base_url=f"http://127.0.0.1:{gateway_port}/v1"
    )
    async with client.realtime.connect(model="gpt-realtime") as connection:
        for _ in range(3):
            await connection.response.create()
            async for event in connection:
                if event.type == "response.done":
                    print("realtime", event.response.usage.total_tokens)
                    break


async def responses():
    client = openai.AsyncOpenAI(
        api_key="sk-test", base_url=f"http://127.0.0.1:{gateway_port}/v1"
    )
    async with client.responses.connect() as connection:
        await connection.response.create(model="gpt-5", input="hi")
        async for event in connection:
            if event.type == "response.completed":
                print("responses", event.response.usage.total_tokens)
                break


async def main():
    async with serve(vendor, "127.0.0.1", vendor_port, max_size=None):
        await echo()
        await patience()
        await farewell()
        await realtime()
        await responses()


asyncio.run(main())
