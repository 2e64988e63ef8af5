"""Translated streams through the official SDKs: each reads the same message as in its own dialect.

translation.py WEIR

Spells each script as a stream of each dialect, has WEIR translate it to each other one, and lets
the SDK of that dialect put the message together. Then it cuts each stream behind each event.
"""

import json
import subprocess
import sys

import anthropic
import httpx2
import openai
from google import genai
from google.genai import types

weir = sys.argv[1]
QUESTION = [{"role": "user", "content": "q"}]

# Reasoning, pieces of text, calls with pieces of arguments, and why it ends.
SCRIPTS = {
    "text": ("", ["Hel", "lo \u00e9\U0001f600"], [], "stop"),
    "reasoning": ("hm", ["A"], [], "stop"),
    "tools": ("hm", ["Look."], [("call_a", "f", ['{"a":', '"x\\ny"}']), ("call_b", "g", [])],
              "tools"),
    "nothing": ("", [], [], "stop"),
    "length": ("", ["cut"], [], "length"),
}


def chat(script):
    thought, texts, calls, end = script

    def chunk(delta, reason=None, **more):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [choice], **more}

    yield chunk({"role": "assistant", "content": ""})
    if thought:
        yield chunk({"reasoning_content": thought})
    for text in texts:
        yield chunk({"content": text})
    for index, (name_of_call, name, _) in enumerate(calls):
        yield chunk({"tool_calls": [{"index": index, "id": name_of_call, "type": "function",
                                     "function": {"name": name, "arguments": ""}}]})
    # The calls' arguments interleave.
    for step in range(max([len(call[2]) for call in calls], default=0)):
        for index, call in enumerate(calls):
            if step < len(call[2]):
                yield chunk({"tool_calls": [{"index": index,
                                             "function": {"arguments": call[2][step]}}]})
    for index, call in enumerate(calls):
        if not call[2]:
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": "{}"}}]})
    yield chunk({}, {"tools": "tool_calls"}.get(end, end))
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    yield {**chunk({}), "choices": [], "usage": usage}
    yield "[DONE]"


def messages(script):
    thought, texts, calls, end = script
    yield {"type": "message_start", "message": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [],
        "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1}}}
    blocks = []
    if thought:
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": thought},
            {"type": "signature_delta", "signature": "c2ln"}]))
    if texts:
        blocks.append(({"type": "text", "text": ""},
                       [{"type": "text_delta", "text": text} for text in texts]))
    for name_of_call, name, pieces in calls:
        blocks.append(({"type": "tool_use", "id": name_of_call, "name": name, "input": {}},
                       [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]))
    for index, (block, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens"}[end]
    yield {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
           "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def gemini(script):
    thought, texts, calls, end = script

    def chunk(parts, **more):
        candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
        return {"candidates": [{**candidate, **more}], "modelVersion": "m", "responseId": "r"}

    if thought:
        yield chunk([{"text": thought, "thought": True}])
    for text in texts:
        yield chunk([{"text": text}])
    for name_of_call, name, pieces in calls:
        arguments = json.loads("".join(pieces) or "{}")
        yield chunk([{"functionCall": {"id": name_of_call, "name": name, "args": arguments}}])
    last = chunk([{"text": ""}], finishReason="MAX_TOKENS" if end == "length" else "STOP")
    last["usageMetadata"] = {
        "promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    yield last


def framed(events, form):
    frames = []
    for event in events:
        data = event if isinstance(event, str) else json.dumps(event)
        name = f"event: {event['type']}\n" if form == "messages" else ""
        frames.append(f"{name}data: {data}" + ("\r\n\r\n" if form == "gemini" else "\n\n"))
    return [frame.encode() for frame in frames]


def translate(source, target, data):
    """The stream in another dialect; nothing where it fails before its beginning."""
    command = [weir, "translate", "--from", source, "--to", target, "--stream"]
    result = subprocess.run(command, input=data, capture_output=True)
    return result.stdout if result.returncode == 0 else None


def client(data):
    headers = {"content-type": "text/event-stream"}
    answer = lambda _: httpx2.Response(200, headers=headers, content=data)
    return httpx2.Client(transport=httpx2.MockTransport(answer))


def read_chat(data):
    api = openai.OpenAI(api_key="k", http_client=client(data), max_retries=0)
    text, calls, reason, usage = "", {}, None, None
    try:
        with api.chat.completions.stream(model="m", messages=QUESTION) as stream:
            for _ in stream:
                pass
            answer = stream.get_final_completion()
    except openai.LengthFinishReasonError as error:
        # The helper raises what it has put together.
        answer = error.completion
    choice = answer.choices[0]
    calls = [(c.id, c.function.name, c.function.arguments)
             for c in choice.message.tool_calls or []]
    return choice.message.content or "", calls, choice.finish_reason, answer.usage.prompt_tokens


def read_responses(data):
    api = openai.OpenAI(api_key="k", http_client=client(data), max_retries=0)
    answer = None
    with api.responses.stream(model="m", input="q") as stream:
        for event in stream:
            if event.type in ("response.completed", "response.incomplete"):
                answer = event.response
    calls = [(c.call_id, c.name, c.arguments) for c in answer.output if c.type == "function_call"]
    return answer.output_text, calls, answer.status, answer.usage.input_tokens


def read_messages(data):
    api = anthropic.Anthropic(api_key="k", http_client=client(data), max_retries=0)
    with api.messages.stream(model="m", max_tokens=9, messages=QUESTION) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_message()
    text = "".join(b.text for b in answer.content if b.type == "text")
    calls = [(b.id, b.name, json.dumps(b.input, separators=(",", ":")))
             for b in answer.content if b.type == "tool_use"]
    return text, calls, answer.stop_reason, answer.usage.input_tokens


def read_gemini(data):
    options = types.HttpOptions(httpx_client=client(data))
    api = genai.Client(api_key="k", http_options=options)
    text, calls, reason, tokens = "", [], None, None
    for chunk in api.models.generate_content_stream(model="m", contents="q"):
        candidate = (chunk.candidates or [None])[0]
        for part in (candidate and candidate.content and candidate.content.parts) or []:
            if part.text and not part.thought:
                text += part.text
            if part.function_call:
                call = part.function_call
                calls.append((call.id, call.name, json.dumps(call.args, separators=(",", ":"))))
        if candidate and candidate.finish_reason:
            reason = candidate.finish_reason.name
        if chunk.usage_metadata:
            tokens = chunk.usage_metadata.prompt_token_count
    return text, calls, reason, tokens


WRITERS = {"chat": chat, "messages": messages, "gemini": gemini}
READERS = {"chat": read_chat, "responses": read_responses, "messages": read_messages,
           "gemini": read_gemini}
ENDS = {
    "chat": {"stop": "stop", "tools": "tool_calls", "length": "length"},
    "responses": {"stop": "completed", "tools": "completed", "length": "incomplete"},
    "messages": {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens"},
    "gemini": {"stop": "STOP", "tools": "STOP", "length": "MAX_TOKENS"},
}

streams = different = cuts = deceived = 0
for name, script in SCRIPTS.items():
    _, texts, calls, end = script
    arguments = lambda pieces: json.dumps(json.loads("".join(pieces) or "{}"),
                                          separators=(",", ":"))
    message = ("".join(texts), [(c[0], c[1], arguments(c[2])) for c in calls])
    sources = {form: framed(write(script), form) for form, write in WRITERS.items()}
    # A stream of Responses is long to spell: it is chat's, translated, and read by the SDK itself.
    whole = translate("chat", "responses", b"".join(sources["chat"]))
    sources["responses"] = [frame + b"\n\n" for frame in whole.split(b"\n\n") if frame]
    for source, frames in sources.items():
        for target, read in READERS.items():
            data = b"".join(frames)
            if source != target:
                data = translate(source, target, data)
            streams += 1
            wanted = (*message, ENDS[target][end], 10)
            try:
                found = read(data)
            except Exception as error:
                found = f"{type(error).__name__}: {error}"
            if found != wanted:
                different += 1
                print(f"{name}: {source}>{target}: {found}, not {wanted}")
    for source, frames in sources.items():
        last = len(frames) - (3 if source == "chat" else 1)
        for target, read in READERS.items():
            if source == target or name not in ("tools", "reasoning"):
                continue
            for count in range(1, last):
                data = translate(source, target, b"".join(frames[:count]))
                cuts += 1
                if data is None:
                    continue
                try:
                    found = read(data)
                except Exception:
                    continue
                if found[2] is not None:
                    deceived += 1
                    print(f"{name}: {source}>{target} cut at {count} looks whole: {found}")
print(f"{streams} streams, {different} differ; {cuts} cuts, {deceived} look whole")
sys.exit(1 if different or deceived else 0)
