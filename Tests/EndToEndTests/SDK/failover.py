"""Calls chains whose first vendor fails, with the official SDKs and their own retries on.

    failover.py VENDOR_PORT GATEWAY_PORT WAY...

Each WAY is a prefix of the gateway's paths whose chain's first vendor fails in that way; the prefixes
`all-429`, `all-503` and `all-down` have no vendor that answers. Ends with status 1 when a call does not come to
one right answer, or an exhausted chain to the right exception.
"""

import json
import sys
import urllib.request

import anthropic
import openai
from google import genai
from google.genai import types

MESSAGES = [{"role": "user", "content": "hello [[mock chunks=5]]"}]
TEXT = "The stream passes and is "


def vendor(port, path="/stats"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return json.load(answer)


def clients(base):
    return (
        openai.OpenAI(base_url=f"{base}/v1", api_key="k"),
        anthropic.Anthropic(base_url=base, api_key="k"),
        genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base)),
    )


def answers(base):
    """The text of one call of each kind."""
    chat, messages, gemini = clients(base)
    model = dict(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES)

    def openai_stream():
        stream = chat.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    def responses_stream():
        with chat.responses.stream(model="gpt-4o", input="hello [[mock chunks=5]]") as stream:
            for _ in stream:
                pass
            return stream.get_final_response().output_text

    def anthropic_stream():
        with messages.messages.stream(**model) as stream:
            return "".join(stream.text_stream)

    def gemini_stream():
        parts = gemini.models.generate_content_stream(
            model="gemini-2.5-flash", contents="hello [[mock chunks=5]]"
        )
        return "".join(part.text for part in parts)

    yield "chat", lambda: chat.chat.completions.create(
        model="gpt-4o", messages=MESSAGES
    ).choices[0].message.content
    yield "chat, streaming", openai_stream
    yield "responses, streaming", responses_stream
    yield "messages", lambda: messages.messages.create(**model).content[0].text
    yield "messages, streaming", anthropic_stream
    yield "gemini", lambda: gemini.models.generate_content(
        model="gemini-2.5-flash", contents="hello [[mock chunks=5]]"
    ).text
    yield "gemini, streaming", gemini_stream


def raised(call):
    try:
        call()
    except Exception as error:  # noqa: BLE001: the class is what is looked at
        return type(error).__name__, getattr(error, "status_code", getattr(error, "code", None))
    return "no error", None


EXPECTED = {
    "all-429": {
        "chat": ("RateLimitError", 429), "messages": ("RateLimitError", 429),
        "gemini": ("ClientError", 429),
    },
    "all-503": {
        "chat": ("InternalServerError", 503), "messages": ("ServiceUnavailableError", 503),
        "gemini": ("ServerError", 503),
    },
    "all-down": {
        "chat": ("InternalServerError", 502), "messages": ("InternalServerError", 502),
        "gemini": ("ServerError", 502),
    },
}


def main():
    vendor_port, gateway = int(sys.argv[1]), int(sys.argv[2])
    failed = count = 0
    for way in sys.argv[3:]:
        for name, call in answers(f"http://127.0.0.1:{gateway}/{way}"):
            if way in EXPECTED:
                if name not in EXPECTED[way]:
                    continue
                found = raised(call)
                wrong = "" if found == EXPECTED[way][name] else f"{found}"
            else:
                before = vendor(vendor_port)["requests"]
                found = call()
                made = vendor(vendor_port)["requests"] - before
                wrong = "" if found == TEXT else f"the answer is {found!r}"
                # One failing request and one answering; a vendor in cooldown is not asked. A pooled
                # connection that closes without a byte is tried once more, fresh.
                if made > (3 if way == "no-head" else 2):
                    wrong += f" {made} requests were made"
            count += 1
            failed += bool(wrong)
            print(f"{way}, {name}: {wrong or 'right'}", flush=True)
    print(f"{count} calls, {failed} wrong")
    sys.exit(1 if failed else 0)


main()
