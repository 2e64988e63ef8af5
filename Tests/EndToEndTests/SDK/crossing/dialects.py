"""One answer, spelled as each dialect has it: whole, as the events of a stream, and as an error.

A script is a list of steps: ("reasoning", pieces), ("text", pieces), ("refusal", pieces),
("cite", url, title), ("call", id, name, pieces of the arguments). It is written here from the
vendors' descriptions, and knows nothing of the gateway.
"""

import json

FORMS = ("chat", "responses", "messages", "gemini")


class Script:
    def __init__(self, *steps, end="stop", early=False, weave=False, sign=None, named=True):
        self.steps = steps
        # By what each vendor knows its own reasoning.
        self.sign = sign or {"responses": "gAAA", "messages": "c2ln", "gemini": "QUJD"}
        # Whether the vendor gives calls names where its dialect does not ask for them.
        self.named = named
        self.end = end
        # The usage comes with every event that may have one, and not with the last alone.
        self.early = early
        # The pieces of several calls come in turns, where the dialect has that.
        self.weave = weave

    def texts(self, kind):
        return [piece for step in self.steps if step[0] == kind for piece in step[1]]

    def calls(self):
        return [step[1:] for step in self.steps if step[0] == "call"]

    def cites(self):
        return [step[1:] for step in self.steps if step[0] == "cite"]

    @property
    def reason(self):
        return "tools" if self.calls() and self.end == "stop" else self.end


LONG = [f"line {number}\ndata: {{\"n\": {number}}}\n\n" for number in range(40)]
CITES = [("cite", "https://example.com/a?b=1&c=\u00e9", "A \"title\""),
         ("cite", "https://example.org/", "Two")]

SCRIPTS = {
    "text": Script(("text", ["Hel", "lo \u00e9\U0001f600", " \\ \"q\" \u2028 </tag>\t\x7f"])),
    "long": Script(("text", LONG)),
    "reasoning": Script(("reasoning", ["Let me", " think.\n"]), ("text", ["A"])),
    "tool": Script(("call", "call_a", "f", ['{"a":', '"x\\ny', '\\u00e9"', "}"])),
    "numbers": Script(("call", "call_a", "f", ['{"i":1,"f":1.5,"n":null,"l":[1,{"b":true}]}'])),
    "said": Script(("text", ["I look."]), ("call", "call_a", "f", ['{"a":"', 'b"}'])),
    "tools": Script(
        ("reasoning", ["hm"]), ("text", ["Look."]),
        ("call", "call_a", "f", ['{"a":', '"1"', "}"]), ("call", "call_b", "g", []),
        ("call", "call_c", "f", ['{"a":', '"3"}']), weave=True),
    "twins": Script(("call", "call_a", "f", ['{"a":"x"}']), ("call", "call_b", "f", ['{"a":"x"}'])),
    "bare": Script(("call", "call_a", "g", [])),
    "thought": Script(("reasoning", ["call it"]), ("call", "call_a", "f", ['{"a":"b"}'])),
    "cited": Script(("text", ["It rains."]), *CITES),
    "refused": Script(("refusal", ["I ", "cannot."]), end="refused"),
    "filtered": Script(("text", ["One"]), end="filtered"),
    "length": Script(("text", ["cut of"]), end="length"),
    "cut-call": Script(("text", ["a"]), ("call", "call_a", "f", ['{"a":"lon']), end="length"),
    "early": Script(("text", ["a", "b", "c"]), early=True),
    "nothing": Script(),
}

# Usage: all that was read, of it from a cache; all that was written, of it reasoning.
INPUT, CACHED, OUTPUT, THOUGHT = 100, 40, 20, 5


# MARK: Chat

CHAT_ENDS = {"tools": "tool_calls", "refused": "stop", "filtered": "content_filter"}


def chat_usage():
    return {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT,
            "prompt_tokens_details": {"cached_tokens": CACHED},
            "completion_tokens_details": {"reasoning_tokens": THOUGHT}}


def chat_cites(script):
    size = len("".join(script.texts("text")))
    return [{"type": "url_citation", "url_citation": {
        "start_index": 0, "end_index": size, "url": url, "title": title}}
        for url, title in script.cites()]


def chat_whole(script, model):
    message = {"role": "assistant", "content": "".join(script.texts("text")) or None,
               "refusal": "".join(script.texts("refusal")) or None,
               "annotations": chat_cites(script)}
    thought = "".join(script.texts("reasoning"))
    if thought:
        message["reasoning_content"] = thought
    calls = [{"id": name_of_call, "type": "function",
              "function": {"name": name, "arguments": "".join(pieces) or "{}"}}
             for name_of_call, name, pieces in script.calls()]
    if calls:
        message["tool_calls"] = calls
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "message": message, "logprobs": None,
                         "finish_reason": CHAT_ENDS.get(script.reason, script.reason)}],
            "usage": chat_usage(), "service_tier": "default", "system_fingerprint": None}


def chat_stream(script, model):
    def chunk(delta, reason=None):
        value = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000,
                 "model": model, "service_tier": "default", "system_fingerprint": None,
                 "choices": [{"index": 0, "delta": delta, "logprobs": None,
                              "finish_reason": reason}],
                 "usage": chat_usage() if script.early else None, "obfuscation": "x9"}
        return value

    yield chunk({"role": "assistant", "content": "" if script.texts("text") else None,
                 "refusal": None})
    for name, kind in (("reasoning_content", "reasoning"), ("content", "text"),
                       ("refusal", "refusal")):
        for piece in script.texts(kind):
            yield chunk({name: piece})
    if script.cites():
        yield chunk({"annotations": chat_cites(script)})
    calls = script.calls()

    def begin(index):
        return chunk({"tool_calls": [{"index": index, "id": calls[index][0], "type": "function",
                                      "function": {"name": calls[index][1], "arguments": ""}}]})

    def argue(index, piece):
        return chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})

    pieces = [call[2] or ["{}"] for call in calls]
    if script.weave:
        for index in range(len(calls)):
            yield begin(index)
        for step in range(max([len(each) for each in pieces], default=0)):
            for index, each in enumerate(pieces):
                if step < len(each):
                    yield argue(index, each[step])
    else:
        for index, each in enumerate(pieces):
            yield begin(index)
            for piece in each:
                yield argue(index, piece)
    yield chunk({}, CHAT_ENDS.get(script.reason, script.reason))
    if not script.early:
        yield {**chunk({}), "choices": [], "usage": chat_usage()}
    yield "[DONE]"


# MARK: Responses

def responses_usage():
    return {"input_tokens": INPUT, "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": OUTPUT, "output_tokens_details": {"reasoning_tokens": THOUGHT},
            "total_tokens": INPUT + OUTPUT}


def responses_items(script):
    """The items of the answer, each with the events between its beginning and its end."""
    items = []
    text = None
    for number, step in enumerate(script.steps):
        if step[0] == "reasoning":
            items.append({"id": f"rs_{number}", "type": "reasoning", "status": "completed",
                          "summary": [{"type": "summary_text", "text": "".join(step[1])}],
                          "encrypted_content": script.sign["responses"]})
        elif step[0] in ("text", "refusal"):
            part = {"type": "refusal", "refusal": "".join(step[1])}
            if step[0] == "text":
                part = text = {"type": "output_text", "text": "".join(step[1]), "annotations": [],
                               "logprobs": []}
            items.append({"id": f"msg_{number}", "type": "message", "role": "assistant",
                          "status": "completed", "content": [part], "phase": "final_answer"})
        elif step[0] == "cite":
            text["annotations"].append({
                "type": "url_citation", "start_index": 0, "end_index": len(text["text"]),
                "url": step[1], "title": step[2]})
        else:
            items.append({"id": f"fc_{number}", "type": "function_call", "status": "completed",
                          "call_id": step[1], "name": step[2],
                          "arguments": "".join(step[3]) or "{}"})
    if script.end == "length" and items:
        items[-1]["status"] = "incomplete"
    return items


def response(script, model, status, items):
    reason = {"length": "max_output_tokens", "filtered": "content_filter"}.get(script.end)
    ended = status != "in_progress"
    return {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": status,
            "background": False, "error": None, "model": model, "output": items,
            "incomplete_details": {"reason": reason} if ended and reason else None,
            "instructions": None, "max_output_tokens": None, "max_tool_calls": None,
            "parallel_tool_calls": True, "previous_response_id": None,
            "reasoning": {"effort": "medium", "summary": None}, "store": False, "temperature": 1.0,
            "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
            "top_p": 1.0, "truncation": "disabled", "metadata": {}, "user": None,
            "usage": responses_usage() if ended else None}


def responses_status(script):
    return "incomplete" if script.end in ("length", "filtered") else "completed"


def responses_whole(script, model):
    return response(script, model, responses_status(script), responses_items(script))


def responses_stream(script, model):
    sequence = -1

    def event(kind, **members):
        nonlocal sequence
        sequence += 1
        return {"type": f"response.{kind}", "sequence_number": sequence, **members}

    def deltas(index, item, number):
        """The events of an item between its beginning and its end."""
        slot = {"item_id": item["id"], "output_index": index}
        if item["type"] == "reasoning":
            part = item["summary"][0]
            slot["summary_index"] = 0
            yield "reasoning_summary_part.added", {
                **slot, "part": {"type": "summary_text", "text": ""}}
            for piece in script.steps[number][1]:
                yield "reasoning_summary_text.delta", {**slot, "delta": piece}
            yield "reasoning_summary_text.done", {**slot, "text": part["text"]}
            yield "reasoning_summary_part.done", {**slot, "part": part}
        elif item["type"] == "message":
            part = item["content"][0]
            slot["content_index"] = 0
            kind = "output_text" if part["type"] == "output_text" else "refusal"
            name = "text" if kind == "output_text" else "refusal"
            more = {"logprobs": []} if kind == "output_text" else {}
            empty = {**part, name: ""}
            if more:
                empty["annotations"] = []
            yield "content_part.added", {**slot, "part": empty}
            for piece in script.steps[number][1]:
                yield f"{kind}.delta", {**slot, "delta": piece, **more}
            for position, annotation in enumerate(part.get("annotations", [])):
                yield "output_text.annotation.added", {
                    **slot, "annotation_index": position, "annotation": annotation}
            yield f"{kind}.done", {**slot, name: part[name], **more}
            yield "content_part.done", {**slot, "part": part}
        else:
            for piece in script.steps[number][3] or ["{}"]:
                yield "function_call_arguments.delta", {**slot, "delta": piece}
            if item["status"] == "completed":
                yield "function_call_arguments.done", {
                    **slot, "name": item["name"], "arguments": item["arguments"]}

    def begin(index, item):
        empty = {**item, "status": "in_progress"}
        for name in ("summary", "content"):
            if name in empty:
                empty[name] = []
        if "arguments" in empty:
            empty["arguments"] = ""
        empty.pop("encrypted_content", None)
        return event("output_item.added", output_index=index, item=empty)

    for kind in ("created", "in_progress"):
        yield event(kind, response=response(script, model, "in_progress", []))
    items = responses_items(script)
    steps = [number for number, step in enumerate(script.steps) if step[0] != "cite"]
    woven = []
    for index, item in enumerate(items):
        if script.weave and item["type"] == "function_call":
            yield begin(index, item)
            woven.append((index, item, [event for event in deltas(index, item, steps[index])]))
            continue
        yield begin(index, item)
        for kind, members in deltas(index, item, steps[index]):
            yield event(kind, **members)
        yield event("output_item.done", output_index=index, item=item)
    # The calls' arguments come in turns, and each call ends with its last piece.
    for step in range(max([len(each[2]) for each in woven], default=0)):
        for index, item, events in woven:
            if step < len(events):
                yield event(events[step][0], **events[step][1])
            if step == len(events) - 1:
                yield event("output_item.done", output_index=index, item=item)
    status = responses_status(script)
    yield event(status, response=response(script, model, status, items))


# MARK: Messages

MESSAGES_ENDS = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens",
                 "refused": "refusal", "filtered": "refusal"}


def messages_usage(**more):
    return {"input_tokens": INPUT - CACHED, "cache_read_input_tokens": CACHED,
            "cache_creation_input_tokens": 0, "output_tokens": OUTPUT,
            "output_tokens_details": {"thinking_tokens": THOUGHT}, **more}


def messages_blocks(script):
    """The blocks of the answer, each with its deltas."""
    blocks = []
    for step in script.steps:
        if step[0] == "reasoning":
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, [
                *({"type": "thinking_delta", "thinking": piece} for piece in step[1]),
                {"type": "signature_delta", "signature": script.sign["messages"]}]))
        elif step[0] in ("text", "refusal"):
            blocks.append(({"type": "text", "text": ""},
                           [{"type": "text_delta", "text": piece} for piece in step[1]]))
        elif step[0] == "cite":
            blocks[-1][0]["citations"] = []
            blocks[-1][1].append({"type": "citations_delta", "citation": {
                "type": "web_search_result_location", "url": step[1], "title": step[2],
                "cited_text": "It rains.", "encrypted_index": "RW5j"}})
        else:
            blocks.append(({"type": "tool_use", "id": step[1], "name": step[2], "input": {}},
                           [{"type": "input_json_delta", "partial_json": piece}
                            for piece in ["", *step[3]]]))
    return blocks


def messages_whole(script, model):
    content = []
    for block, deltas in messages_blocks(script):
        whole = dict(block)
        arguments = ""
        for delta in deltas:
            if delta["type"] == "citations_delta":
                whole["citations"] = whole["citations"] + [delta["citation"]]
                continue
            for name in ("text", "thinking", "signature"):
                whole[name] = whole.get(name, "") + delta[name] if name in delta else \
                    whole.get(name)
            arguments += delta.get("partial_json", "")
        if block["type"] == "tool_use":
            if script.end == "length":
                # The vendor shows no call that its length cut off.
                continue
            whole["input"] = json.loads(arguments or "{}")
        content.append({name: value for name, value in whole.items() if value is not None})
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": content, "stop_reason": MESSAGES_ENDS[script.reason],
            "stop_sequence": None, "usage": messages_usage()}


def messages_stream(script, model):
    begun = messages_usage() if script.early else {
        "input_tokens": INPUT - CACHED, "cache_read_input_tokens": CACHED,
        "cache_creation_input_tokens": 0, "output_tokens": 1}
    yield {"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": begun}}
    blocks = messages_blocks(script)
    for index, (block, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        # A call that the length cuts off has no end.
        if not (script.end == "length" and block["type"] == "tool_use"):
            yield {"type": "content_block_stop", "index": index}
    usage = {"output_tokens": OUTPUT, "output_tokens_details": {"thinking_tokens": THOUGHT}}
    yield {"type": "message_delta",
           "delta": {"stop_reason": MESSAGES_ENDS[script.reason], "stop_sequence": None},
           "usage": usage}
    yield {"type": "message_stop"}


# MARK: Gemini

GEMINI_ENDS = {"stop": "STOP", "tools": "STOP", "length": "MAX_TOKENS", "refused": "SAFETY",
               "filtered": "SAFETY"}


def gemini_usage():
    return {"promptTokenCount": INPUT, "cachedContentTokenCount": CACHED,
            "candidatesTokenCount": OUTPUT - THOUGHT, "thoughtsTokenCount": THOUGHT,
            "totalTokenCount": INPUT + OUTPUT}


def gemini_cites(script):
    if not script.cites():
        return {}
    text = "".join(script.texts("text"))
    return {"groundingMetadata": {
        "groundingChunks": [{"web": {"uri": url, "title": title}}
                            for url, title in script.cites()],
        "groundingSupports": [{"segment": {"endIndex": len(text.encode()), "text": text},
                               "groundingChunkIndices": [index]}
                              for index in range(len(script.cites()))]}}


def gemini_parts(script):
    parts = []
    for step in script.steps:
        if step[0] == "reasoning":
            parts += [{"text": piece, "thought": True} for piece in step[1]]
        elif step[0] in ("text", "refusal"):
            parts += [{"text": piece} for piece in step[1]]
        elif step[0] == "call" and script.end != "length":
            # The vendor shows no call that its length cut off.
            first = not any("functionCall" in part for part in parts)
            call = {"name": step[2], "args": json.loads("".join(step[3]) or "{}")}
            if script.named:
                call["id"] = step[1]
            parts.append({"functionCall": call})
            if first:
                parts[-1]["thoughtSignature"] = script.sign["gemini"]
    return parts


def gemini_chunk(script, model, parts, usage, reason=None, **more):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0, **more}
    if reason:
        candidate["finishReason"] = reason
    value = {"candidates": [candidate], "modelVersion": model, "responseId": "r1"}
    return {**value, "usageMetadata": gemini_usage()} if usage else value


def gemini_whole(script, model):
    joined = []
    for part in gemini_parts(script):
        last = joined[-1] if joined else {}
        if "text" in part and "text" in last and part.get("thought") == last.get("thought"):
            last["text"] += part["text"]
        else:
            joined.append(dict(part))
    return gemini_chunk(script, model, joined, True, GEMINI_ENDS[script.reason],
                        **gemini_cites(script))


def gemini_stream(script, model):
    for part in gemini_parts(script):
        yield gemini_chunk(script, model, [part], script.early)
    yield gemini_chunk(script, model, [{"text": ""}], True, GEMINI_ENDS[script.reason],
                       **gemini_cites(script))


# MARK: All of them

WHOLE = {"chat": chat_whole, "responses": responses_whole, "messages": messages_whole,
         "gemini": gemini_whole}
STREAM = {"chat": chat_stream, "responses": responses_stream, "messages": messages_stream,
          "gemini": gemini_stream}


def frame(event, form):
    """The bytes of an event."""
    data = event if isinstance(event, str) else json.dumps(event)
    if form in ("responses", "messages"):
        return f"event: {event['type']}\ndata: {data}\n\n".encode()
    return f"data: {data}".encode() + (b"\r\n\r\n" if form == "gemini" else b"\n\n")


def frames(script, form, model):
    return [frame(event, form) for event in STREAM[form](script, model)]


# What a vendor refuses with: the status and the words of each dialect.
ERRORS = {
    "bad": (400, ("invalid_request_error", None), "invalid_request_error", "INVALID_ARGUMENT"),
    "long": (400, ("invalid_request_error", "context_length_exceeded"), "invalid_request_error",
             "INVALID_ARGUMENT"),
    "key": (401, ("invalid_request_error", "invalid_api_key"), "authentication_error",
            "UNAUTHENTICATED"),
    "forbidden": (403, ("invalid_request_error", None), "permission_error", "PERMISSION_DENIED"),
    "missing": (404, ("invalid_request_error", "model_not_found"), "not_found_error", "NOT_FOUND"),
    "large": (413, ("invalid_request_error", None), "request_too_large", "INVALID_ARGUMENT"),
    "rate": (429, ("rate_limit_error", "rate_limit_exceeded"), "rate_limit_error",
             "RESOURCE_EXHAUSTED"),
    "server": (500, ("server_error", None), "api_error", "INTERNAL"),
    "busy": (503, ("server_error", "server_is_overloaded"), "overloaded_error", "UNAVAILABLE"),
    "slow": (504, ("server_error", None), "timeout_error", "DEADLINE_EXCEEDED"),
}
LONG_WORDS = {
    "chat": "This model's maximum context length is 128000 tokens. However, your messages "
            "resulted in 130001 tokens.",
    "messages": "prompt is too long: 210000 tokens > 200000 maximum",
    "gemini": "The input token count (9) exceeds the maximum number of tokens allowed (8).",
}
LONG_WORDS["responses"] = LONG_WORDS["chat"]


def error(name, form):
    """The status and the body of a refusal."""
    status, (type, code), anthropic, google = ERRORS[name]
    message = LONG_WORDS[form] if name == "long" else f"no: {name}"
    if form == "messages":
        status = 529 if name == "busy" else status
        return status, {"type": "error", "error": {"type": anthropic, "message": message},
                        "request_id": "req_1"}
    if form == "gemini":
        status = 400 if name == "large" else status
        return status, {"error": {"code": status, "message": message, "status": google}}
    if form == "responses" and name == "missing":
        status = 400
    return status, {"error": {"message": message, "type": type, "param": None, "code": code}}


def error_frame(name, form, sequence):
    """The bytes that end a stream which fails."""
    status, body = error(name, form)
    if form == "messages":
        return frame(body, form)
    if form == "responses":
        fault = {"code": body["error"]["code"] or "server_error",
                 "message": body["error"]["message"]}
        return frame({"type": "response.failed", "sequence_number": sequence, "response": {
            **response(Script(), "m", "failed", []), "error": fault}}, form)
    if form == "gemini":
        # The vendor breaks a stream off with an error as bare JSON.
        return json.dumps(body, indent=2).encode()
    return frame(body, form)
