"""Calls a vendor with the official SDKs, directly and through a gateway, and compares everything.

    calls.py VENDOR_PORT GATEWAY_PORT

For every call: what the SDK returned, the body the vendor saw, the body that came back, the status,
and the fields both ways must be the same; fields may differ only where the contract says so.
Prints a line a call, and ends with status 1 when any differs.
"""

import hashlib
import json
import sys
import urllib.request

import anthropic
import openai
from google import genai
from google.genai import types

from recorder import Recorder

HOP_BY_HOP = {
    "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    "proxy-authenticate", "proxy-authorization", "proxy-connection",
}
# The length of a body is written anew, and the host is the vendor's.
REFRAMED = HOP_BY_HOP | {"content-length", "host"}

MESSAGES = [{"role": "user", "content": "hello [[mock chunks=5]]"}]


def dump(value):
    if isinstance(value, (list, tuple)):
        return [dump(item) for item in value]
    if hasattr(value, "model_dump"):
        # What a vendor's SDK adds of its own, such as the fields of the response, is compared apart.
        return value.model_dump(mode="json", exclude={"sdk_http_response"})
    return value


class OpenAICalls:
    def __init__(self, port):
        self.client = openai.OpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="sk-openai", max_retries=0
        )

    def chat(self):
        return self.client.chat.completions.create(model="gpt-4o", messages=MESSAGES)

    def chat_stream(self):
        return list(
            self.client.chat.completions.create(
                model="gpt-4o", messages=MESSAGES, stream=True,
                stream_options={"include_usage": True},
            )
        )

    def chat_stream_helper(self):
        with self.client.chat.completions.stream(model="gpt-4o", messages=MESSAGES) as stream:
            for _ in stream:
                pass
            return stream.get_final_completion()

    def responses(self):
        return self.client.responses.create(model="gpt-4o", input="hello [[mock chunks=5]]")

    def responses_stream(self):
        return list(
            self.client.responses.create(
                model="gpt-4o", input="hello [[mock chunks=5]]", stream=True
            )
        )

    def responses_stream_helper(self):
        with self.client.responses.stream(model="gpt-4o", input="hello") as stream:
            for _ in stream:
                pass
            return stream.get_final_response()

    def embeddings(self):
        return self.client.embeddings.create(model="text-embedding-3-small", input="hello")

    def models(self):
        return self.client.models.list().data

    def file_upload(self):
        content = b'{"custom_id": "1"}\n' * 5000
        return self.client.files.create(file=("batch.jsonl", content), purpose="batch")

    def speech(self):
        speech = self.client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
        return hashlib.sha256(speech.read()).hexdigest()

    def unicode(self):
        return self.client.chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": "grüße 😀 \u2028 \x7f"}]
        )

    def rate_limited(self):
        try:
            self.client.chat.completions.create(
                model="gpt-4o",
                messages=[{"role": "user", "content": "[[mock status=429 retry_after=7]]"}],
            )
        except openai.RateLimitError as error:
            return [error.status_code, error.body, error.response.headers["retry-after"]]
        return "no error"

    def broken_stream(self):
        try:
            list(
                self.client.chat.completions.create(
                    model="gpt-4o", stream=True,
                    messages=[{"role": "user", "content": "[[mock chunks=20 fault=reset]]"}],
                )
            )
        except openai.APIError:
            # Of the broken connection, or of the event by which the gateway reports it.
            return "an error"
        return "no error"


class AnthropicCalls:
    def __init__(self, port):
        self.client = anthropic.Anthropic(
            base_url=f"http://127.0.0.1:{port}", api_key="sk-anthropic", max_retries=0
        )
        self.arguments = dict(model="claude-sonnet-4-6", max_tokens=100, messages=MESSAGES)

    def messages(self):
        return self.client.messages.create(**self.arguments)

    def messages_stream(self):
        return list(self.client.messages.create(stream=True, **self.arguments))

    def messages_stream_helper(self):
        with self.client.messages.stream(**self.arguments) as stream:
            text = "".join(stream.text_stream)
            return [text, dump(stream.get_final_message())]

    def count_tokens(self):
        return self.client.messages.count_tokens(model="claude-sonnet-4-6", messages=MESSAGES)

    def models(self):
        return self.client.models.list().data

    def overloaded(self):
        try:
            self.client.messages.create(
                model="claude-sonnet-4-6", max_tokens=1,
                messages=[{"role": "user", "content": "[[mock status=529]]"}],
            )
        except anthropic.APIStatusError as error:
            return [error.status_code, error.body]
        return "no error"


class GeminiCalls:
    def __init__(self, port):
        self.client = genai.Client(
            api_key="sk-gemini", http_options=types.HttpOptions(base_url=f"http://127.0.0.1:{port}")
        )

    def generate(self):
        return self.client.models.generate_content(
            model="gemini-2.5-flash", contents="hello [[mock chunks=5]]"
        )

    def generate_stream(self):
        return list(
            self.client.models.generate_content_stream(
                model="gemini-2.5-flash", contents="hello [[mock chunks=5]]"
            )
        )

    def count_tokens(self):
        return self.client.models.count_tokens(model="gemini-2.5-flash", contents="hello")

    def unavailable(self):
        try:
            self.client.models.generate_content(
                model="gemini-2.5-flash", contents="[[mock status=503]]"
            )
        except genai.errors.ServerError as error:
            return [error.code, error.status]
        return "no error"


def vendor_saw(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as answer:
        return json.load(answer)["request_log"][-1]


def passed(fields, left_out):
    return [(name, value) for name, value in fields if name.lower() not in left_out]


def compare(name, direct, through):
    """The differences between a call made directly and the same call through the gateway."""
    differences = []

    def expect(what, left, right):
        if left != right:
            differences.append(f"{what}: {str(left)[:300]} but {str(right)[:300]}")

    expect("result", direct["result"], through["result"])
    for way, call in (("direct", direct), ("through", through)):
        digest = hashlib.sha256(call["request"].body).hexdigest()
        expect(f"the request's body, {way}", digest, call["seen"]["body_sha256"])
    request, seen = through["request"], through["seen"]
    method, target, _ = request.first.split(" ")
    expect("method", method, seen["method"])
    expect("target", target, seen["target"])
    expect(
        "the request's fields", passed(request.fields, REFRAMED),
        passed([tuple(field) for field in seen["headers"]], REFRAMED),
    )
    left, right = direct["response"], through["response"]
    expect("status", left.first, right.first)
    # By contract a stream that breaks off ends with an event that says so.
    own, mark, _ = right.body.partition(b'data: {"error":{"message":"weir: ')
    if mark:
        expect("the end of a broken stream", "broken_stream", name)
    expect("the response's body", left.body, own)
    expect("wholeness", left.is_whole, right.is_whole)
    ours = [field for field in right.fields if field[0].startswith("x-weir-")]
    expect("our fields", 3, len(ours))
    expect(
        "the response's fields", passed(left.fields, REFRAMED),
        [field for field in passed(right.fields, REFRAMED) if field not in ours],
    )
    return differences


def main():
    vendor, gateway = int(sys.argv[1]), int(sys.argv[2])
    recorders = {"direct": Recorder(vendor), "through": Recorder(gateway)}
    failed = count = 0
    for calls in (OpenAICalls, AnthropicCalls, GeminiCalls):
        clients = {way: calls(recorder.port) for way, recorder in recorders.items()}
        names = [name for name in vars(calls) if not name.startswith("_")]
        for name in names:
            made = {}
            for way, recorder in recorders.items():
                recorder.take()
                result = dump(getattr(clients[way], name)())
                request, response = recorder.take()
                made[way] = dict(
                    result=result, request=request, response=response, seen=vendor_saw(vendor)
                )
            differences = compare(name, made["direct"], made["through"])
            if "no error" in str(made["direct"]["result"]):
                differences.append("the vendor was to fail, and did not")
            count += 1
            failed += bool(differences)
            print(f"{calls.__name__}.{name}: {'; '.join(differences) or 'same'}", flush=True)
    print(f"{count} calls, {failed} differ")
    sys.exit(1 if failed else 0)


main()
