"""Streams of the official SDKs through chains with signs of life, whose first vendor says nothing.

    heartbeats.py VENDOR_PORT GATEWAY_PORT WAY...

Each WAY is a prefix of the gateway's paths. The chain's first vendor stalls in that way and its second answers; behind
`alone` there is no second one, and behind `quiet` the bytes alone are looked at. Ends with status 1 when a stream does
not come to one right answer, or, of a vendor alone, to the right exception, or when no sign of life was sent.
"""

import asyncio
import json
import sys
import urllib.request

import anthropic
import openai
from google import genai
from google.genai import types

MESSAGES = [{"role": "user", "content": "hello [[mock chunks=5]]"}]
PROMPT = MESSAGES[0]["content"]
TEXT = "The stream passes and is "

# What a client gets where the only vendor says nothing: an event of an error behind the gateway's head, which has no
# status of its own; of Gemini's, which has no signs of life, the status.
EXPECTED = {
    "chat": ("APIError", "vendor_timeout"),
    "responses": ("APIError", "vendor_timeout"),
    "messages": ("APIStatusError", 200),
    "gemini": ("ServerError", 504),
}


def requests(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as answer:
        return json.load(answer)["requests"]


def streams(base):
    """The text of one stream of each kind."""
    chat = openai.OpenAI(base_url=f"{base}/v1", api_key="k")
    messages = anthropic.Anthropic(base_url=base, api_key="k")
    gemini = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base))

    def of_chat():
        stream = chat.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    def of_responses():
        with chat.responses.stream(model="gpt-4o", input=PROMPT) as stream:
            for _ in stream:
                pass
            return stream.get_final_response().output_text

    def of_messages():
        with messages.messages.stream(
            model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES
        ) as stream:
            return "".join(stream.text_stream)

    def of_gemini():
        parts = gemini.models.generate_content_stream(model="gemini-2.5-flash", contents=PROMPT)
        return "".join(part.text for part in parts)

    return {"chat": of_chat, "responses": of_responses, "messages": of_messages, "gemini": of_gemini}


async def asynchronous(base):
    """The same of the asynchronous clients, all at once."""
    chat = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="k")
    messages = anthropic.AsyncAnthropic(base_url=base, api_key="k")

    async def of_chat():
        stream = await chat.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    async def of_responses():
        stream = await chat.responses.create(model="gpt-4o", input=PROMPT, stream=True)
        return "".join([e.delta async for e in stream if e.type == "response.output_text.delta"])

    async def of_messages():
        async with messages.messages.stream(
            model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES
        ) as stream:
            return "".join([text async for text in stream.text_stream])

    found = await asyncio.gather(of_chat(), of_responses(), of_messages())
    await chat.close()
    await messages.close()
    return found


def raw(base, path, body):
    """The bytes of a stream."""
    request = urllib.request.Request(
        f"{base}{path}", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def signs(base):
    """What is wrong with the signs of life in front of an answer."""
    for path, body, sign in (
        ("/v1/chat/completions", {"model": "gpt-4o", "messages": MESSAGES}, b": keep-alive\n\n"),
        ("/v1/responses", {"model": "gpt-4o", "input": PROMPT}, b": keep-alive\n\n"),
        (
            "/v1/messages",
            {"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": MESSAGES},
            b'event: ping\ndata: {"type": "ping"}\n\n',
        ),
    ):
        found = raw(base, path, {**body, "stream": True})
        if not found.startswith(2 * sign):
            yield f"{path} begins with {found[:80]!r}"
    contents = [{"role": "user", "parts": [{"text": PROMPT}]}]
    found = raw(
        base, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", {"contents": contents}
    )
    if not found.startswith(b"data: {"):
        yield f"Gemini's begins with {found[:80]!r}"


def raised(call):
    try:
        return "no error", call()
    except Exception as error:  # noqa: BLE001: the class is what is looked at
        return type(error).__name__, getattr(error, "status_code", getattr(error, "code", None))


def main():
    vendor, gateway = int(sys.argv[1]), int(sys.argv[2])
    failed = count = 0

    def judge(name, wrong):
        nonlocal failed, count
        count += 1
        failed += bool(wrong)
        print(f"{name}: {wrong or 'right'}", flush=True)

    for way in sys.argv[3:]:
        base = f"http://127.0.0.1:{gateway}/{way}"
        if way == "quiet":
            judge("signs of life", "; ".join(signs(base)))
            continue
        for name, call in streams(base).items():
            before = requests(vendor)
            if way.startswith("alone"):
                found = raised(call)
                judge(f"{way}, {name}", "" if found == EXPECTED[name] else f"{found}")
                continue
            found = call()
            wrong = "" if found == TEXT else f"the answer is {found!r}"
            made = requests(vendor) - before
            # One that stalls and one that answers: the SDK has repeated nothing.
            judge(f"{way}, {name}", wrong + ("" if made == 2 else f" {made} requests were made"))
        if not way.startswith("alone"):
            found = asyncio.run(asynchronous(base))
            judge(f"{way}, asynchronous", "" if found == [TEXT] * 3 else f"{found}")
    print(f"{count} checks, {failed} wrong")
    sys.exit(1 if failed else 0)


main()
