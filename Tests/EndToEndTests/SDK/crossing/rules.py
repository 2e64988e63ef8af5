"""What a vendor refuses a request for, by the vendors' descriptions and recorded refusals.

`fault(form, body)` is the first rule that a request breaks, or None. `signed` are the values by
which a vendor knows its own reasoning: pairs of a text and a signature, or the values alone.
"""

import json
import re

DUMMY = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

MEMBERS = {
    "chat": """messages model audio frequency_penalty function_call functions logit_bias logprobs
        max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls
        prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention
        reasoning_effort response_format safety_identifier seed service_tier stop store stream
        stream_options temperature tool_choice tools top_logprobs top_p user verbosity
        web_search_options""",
    "responses": """background context_management conversation include input instructions
        max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls
        previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention
        reasoning safety_identifier service_tier store stream stream_options temperature text
        tool_choice tools top_logprobs top_p truncation user""",
    "messages": """model messages max_tokens system stop_sequences temperature top_p top_k thinking
        output_config metadata service_tier container context_management inference_geo mcp_servers
        stream tools tool_choice cache_control""",
    "gemini": """contents systemInstruction tools toolConfig generationConfig safetySettings labels
        cachedContent serviceTier store""",
}
CONFIG = """temperature topP topK maxOutputTokens stopSequences candidateCount seed presencePenalty
    frequencyPenalty responseLogprobs logprobs responseMimeType responseSchema responseJsonSchema
    thinkingConfig responseModalities speechConfig imageConfig mediaResolution""".split()
KINDS = {"object", "array", "string", "integer", "number", "boolean", "null"}


class Fault(Exception):
    pass


def need(holds, what):
    if not holds:
        raise Fault(what)


def closed(value, allowed, where):
    """A value is an object without members that are not known."""
    need(isinstance(value, dict), f"{where} is no object")
    names = allowed.split() if isinstance(allowed, str) else allowed
    unknown = [name for name in value if name not in names]
    need(not unknown, f"{where} has {unknown}")


def filled(value, where):
    need(isinstance(value, str) and value != "", f"{where} is no text")


def schema(value, where):
    """A tool's parameters are a JSON Schema of an object."""
    need(isinstance(value, dict), f"{where} is no schema")
    need(value.get("type") == "object", f"{where} is no object's schema")
    need(not any(name in value for name in ("oneOf", "anyOf", "allOf")), f"{where} is a choice")
    typed(value, where)


def typed(value, where):
    if isinstance(value, list):
        for each in value:
            typed(each, where)
    elif isinstance(value, dict):
        for kind in [value["type"]] if isinstance(value.get("type"), str) else []:
            need(kind in KINDS, f"{where} has a type {kind}")
        if isinstance(value.get("properties"), dict):
            for name, each in value["properties"].items():
                typed(each, f"{where}.{name}")
            for name in value.get("required", []):
                need(name in value["properties"], f"{where} needs {name}")
        for name in ("items", "additionalProperties"):
            if isinstance(value.get(name), dict):
                typed(value[name], where)


def once(names, where):
    need(len(set(names)) == len(names), f"{where} has a name twice")


def number(body, name, low, high):
    if body.get(name) is not None:
        need(isinstance(body[name], (int, float)) and not isinstance(body[name], bool)
             and low <= body[name] <= high, f"{name} is {body[name]}")


class Pairing:
    """Calls and their results: each call has one result, before anything else is said."""

    def __init__(self, name_rule, length):
        self.rule = re.compile(name_rule)
        self.length = length
        self.open = []
        self.seen = set()

    def call(self, id, where):
        filled(id, f"{where}: the call's name")
        need(self.rule.fullmatch(id) and len(id) <= self.length, f"{where}: a call's name {id!r}")
        need(id not in self.seen, f"{where}: a call {id} twice")
        self.seen.add(id)
        self.open.append(id)

    def result(self, id, where):
        need(id in self.open, f"{where}: a result of {id} without its call")
        self.open.remove(id)

    def done(self, where):
        need(not self.open, f"{where}: calls {self.open} without results")


def data_url(url, where):
    need(isinstance(url, str) and re.match(r"https?://|data:[\w/+.-]+;base64,", url),
         f"{where}: no address")


# MARK: Chat

def chat(body, signed, relayed):
    need(not ("max_tokens" in body and "max_completion_tokens" in body), "two limits")
    number(body, "temperature", 0, 2)
    need(len(body.get("stop") or []) <= 4, "more than four stop words")
    tools = body.get("tools")
    need(tools is None or tools, "an empty list of tools")
    names = []
    for tool in tools or []:
        closed(tool, "type function", "a tool")
        closed(tool["function"], "name description parameters strict", "a function")
        names.append(tool["function"]["name"])
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", names[-1]), f"a tool's name {names[-1]}")
        if "parameters" in tool["function"]:
            schema(tool["function"]["parameters"], names[-1])
    once(names, "tools")
    need(tools or "tool_choice" not in body, "a choice without tools")
    need(tools or "parallel_tool_calls" not in body, "parallel calls without tools")
    if body.get("stream_options"):
        need(body.get("stream"), "stream_options without a stream")
    need(isinstance(body.get("messages"), list) and body["messages"], "no messages")
    pairs = Pairing(r".+", 64)
    for index, message in enumerate(body["messages"]):
        where = f"messages[{index}]"
        role = message.get("role")
        if role == "tool":
            closed(message, "role tool_call_id content", where)
            pairs.result(message["tool_call_id"], where)
            texts(message.get("content"), {"text"}, where, empty=True)
            continue
        pairs.done(where)
        if role == "assistant":
            closed(message, "role content refusal tool_calls name reasoning_content audio", where)
            need("reasoning_content" not in message, f"{where}: reasoning")
            calls = message.get("tool_calls")
            need(calls is None or calls, f"{where}: an empty list of calls")
            need(message.get("content") is not None or calls or message.get("refusal"),
                 f"{where}: nothing")
            texts(message.get("content"), {"text", "refusal"}, where, empty=True)
            for call in calls or []:
                closed(call, "id type function", where)
                closed(call["function"], "name arguments", where)
                need(isinstance(json.loads(call["function"]["arguments"]), dict), where)
                pairs.call(call["id"], where)
        elif role in ("system", "developer"):
            closed(message, "role content name", where)
            texts(message["content"], {"text"}, where)
        else:
            need(role == "user", f"{where}: a role {role}")
            closed(message, "role content name", where)
            texts(message["content"], {"text", "image_url", "file", "input_audio"}, where)
    pairs.done("the end")


def texts(content, kinds, where, empty=False):
    """A text, or a list of parts of these kinds."""
    if content is None or isinstance(content, str):
        return need(empty or content, f"{where}: an empty text")
    need(isinstance(content, list) and content, f"{where}: no content")
    for part in content:
        need(part.get("type") in kinds, f"{where}: a part {part.get('type')}")
        if part["type"] == "text":
            need(isinstance(part["text"], str), f"{where}: a part without a text")
        if part["type"] == "image_url":
            data_url(part["image_url"]["url"], where)


# MARK: Responses

def responses(body, signed, relayed):
    number(body, "max_output_tokens", 16, 10**9)
    names = []
    for tool in body.get("tools") or []:
        closed(tool, "type name description parameters strict", "a tool")
        need(tool["type"] == "function", "a tool's type")
        need("parameters" in tool and "strict" in tool, "a function without its members")
        names.append(tool["name"])
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", names[-1]), f"a tool's name {names[-1]}")
        schema(tool["parameters"], names[-1])
    once(names, "tools")
    items = body.get("input")
    if isinstance(items, str):
        return filled(items, "input")
    need(isinstance(items, list) and items, "no input")
    pairs = Pairing(r".+", 64)
    for index, item in enumerate(items):
        where = f"input[{index}]"
        kind = item.get("type", "message")
        if kind == "function_call":
            closed(item, "type id call_id name arguments status namespace", where)
            need(isinstance(json.loads(item["arguments"]), dict), f"{where}: arguments")
            pairs.call(item["call_id"], where)
        elif kind == "function_call_output":
            closed(item, "type id call_id output status", where)
            pairs.result(item["call_id"], where)
            if not isinstance(item["output"], str):
                texts_of_input(item["output"], where, ("input_text", "input_image", "input_file"))
        elif kind == "reasoning":
            closed(item, "type id summary content encrypted_content status", where)
            need(item.get("encrypted_content") in signed, f"{where}: foreign reasoning")
            need(isinstance(item.get("summary"), list), f"{where}: no summary")
            follower = items[index + 1] if index + 1 < len(items) else {}
            need(follower.get("type") == "function_call" or follower.get("role") == "assistant",
                 f"{where}: reasoning without what follows it")
        else:
            need(kind == "message", f"{where}: a type {kind}")
            closed(item, "type id role content status phase", where)
            role = item["role"]
            need(role in ("user", "assistant", "system", "developer"), f"{where}: a role {role}")
            need(role == "assistant" or not pairs.open, f"{where}: between a call and its result")
            own = ("output_text", "refusal") if role == "assistant" else (
                "input_text", "input_image", "input_file")
            if isinstance(item["content"], str):
                filled(item["content"], where)
            else:
                texts_of_input(item["content"], where, own)
        if "id" in item:
            need(not item["id"].startswith("weir"), f"{where}: a foreign id")
    pairs.done("the end")


def texts_of_input(parts, where, kinds):
    need(isinstance(parts, list) and parts, f"{where}: no content")
    for part in parts:
        need(part.get("type") in kinds, f"{where}: a part {part.get('type')}")
        if part["type"] == "input_image":
            data_url(part["image_url"], where)


# MARK: Messages

BLOCKS = {
    "text": "type text cache_control citations",
    "thinking": "type thinking signature",
    "redacted_thinking": "type data",
    "tool_use": "type id name input cache_control caller",
    "tool_result": "type tool_use_id content is_error cache_control",
    "image": "type source cache_control",
    "document": "type source title context citations cache_control",
}


def messages(body, signed, relayed):
    need(isinstance(body.get("max_tokens"), int) and body["max_tokens"] > 0, "no max_tokens")
    names = []
    for tool in body.get("tools") or []:
        closed(tool, "name description input_schema strict cache_control type", "a tool")
        names.append(tool["name"])
        need(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", names[-1]), f"a tool's name {names[-1]}")
        schema(tool["input_schema"], names[-1])
    once(names, "tools")
    need(body.get("tools") or "tool_choice" not in body, "a choice without tools")
    for block in body["system"] if isinstance(body.get("system"), list) else []:
        closed(block, BLOCKS["text"], "system")
        filled(block["text"], "system")
    need(body.get("messages"), "no messages")
    pairs = Pairing(r"[a-zA-Z0-9_-]+", 256)
    previous = "assistant"
    has_calls = False
    for index, message in enumerate(body["messages"]):
        where = f"messages[{index}]"
        closed(message, "role content", where)
        role = message["role"]
        need(role in ("user", "assistant", "system"), f"{where}: a role {role}")
        need(role != previous, f"{where}: the role {role} twice")
        need(role != "system" or previous == "user", f"{where}: a system text there")
        previous = role
        content = message["content"]
        if isinstance(content, str):
            need(not pairs.open, f"{where}: calls without results")
            filled(content, where)
            continue
        need(content, f"{where}: no content")
        if role != "user":
            pairs.done(where)
        spoken = False
        for block in content:
            kind = block.get("type")
            need(kind in BLOCKS, f"{where}: a block {kind}")
            closed(block, BLOCKS[kind], where)
            if kind == "tool_result":
                need(role == "user" and not spoken, f"{where}: a result behind something else")
                pairs.result(block["tool_use_id"], where)
                continue
            spoken = True
            if kind == "text":
                need(block["text"].strip(), f"{where}: an empty text")
            elif kind == "tool_use":
                need(role == "assistant", f"{where}: a call of the user's")
                need(isinstance(block["input"], dict), f"{where}: an input")
                pairs.call(block["id"], where)
                has_calls = True
            elif kind == "thinking":
                need(role == "assistant", f"{where}: thinking of the user's")
                need((block["thinking"], block["signature"]) in signed, f"{where}: a signature")
        if role == "user":
            pairs.done(where)
    pairs.done("the end")
    need(previous == "user", "the last is not the user's")
    need(body.get("tools") or not has_calls, "calls without tools")


# MARK: Gemini

PART = """text thought thoughtSignature functionCall functionResponse inlineData fileData
    executableCode codeExecutionResult"""


def camel(value):
    """Google takes names in both spellings; those that a program chose stay."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    free = ("args", "response", "parametersJsonSchema", "parameters_json_schema")
    return {re.sub(r"_([a-z])", lambda found: found[1].upper(), name):
            each if name in free else camel(each) for name, each in value.items()}


def gemini(body, signed, relayed):
    body = camel(body)
    config = body.get("generationConfig", {})
    closed(config, CONFIG, "generationConfig")
    for group in body.get("tools") or []:
        closed(group, "functionDeclarations googleSearch codeExecution urlContext", "tools")
        for tool in group.get("functionDeclarations", []):
            closed(tool, "name description parameters parametersJsonSchema response behavior",
                   "a function")
            need(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", tool["name"]), "a tool's name")
            need(not ("parameters" in tool and "parametersJsonSchema" in tool), "two schemas")
            if "parametersJsonSchema" in tool:
                schema(tool["parametersJsonSchema"], tool["name"])
                need(tool["parametersJsonSchema"].get("properties") != {}, "no properties")
    if "systemInstruction" in body:
        parts = body["systemInstruction"]["parts"]
        need(parts and all(part.get("text") for part in parts), "systemInstruction")
    contents = body.get("contents")
    need(isinstance(contents, list) and contents, "no contents")
    need(contents[0].get("role") == "user", "the first is not the user's")
    calls, previous = [], None
    # The current turn begins behind the last text of the user's.
    turn = max((index for index, content in enumerate(contents) if content.get("role") == "user"
                and any("text" in part for part in content["parts"])), default=0)
    for index, content in enumerate(contents):
        where = f"contents[{index}]"
        closed(content, "role parts", where)
        role = content.get("role")
        need(role in ("user", "model"), f"{where}: a role {role}")
        if role != previous:
            need(role != "model" or not calls, f"{where}: calls without results")
        need(content["parts"], f"{where}: no parts")
        for part in content["parts"]:
            closed(part, PART, where)
            # The SDK itself sends back the empty text that ended a stream.
            need(relayed or part.get("text") != "" or "thoughtSignature" in part,
                 f"{where}: an empty text")
            sign = part.get("thoughtSignature")
            need(sign in signed or sign in (None, DUMMY), f"{where}: a signature {sign}")
            need(sign != DUMMY or "functionCall" in part, f"{where}: a dummy on no call")
        if role == "model":
            functions = [part for part in content["parts"] if "functionCall" in part]
            for part in functions:
                closed(part["functionCall"], "id name args", where)
                need(isinstance(part["functionCall"].get("args", {}), dict), f"{where}: args")
            if functions and index > turn:
                # Contents in a row are one step, of whose calls the first is signed.
                first = functions[0] if not calls else None
                need(first is None or "thoughtSignature" in first, f"{where}: an unsigned call")
                need(not any("thoughtSignature" in part for part in functions
                             if part is not first), f"{where}: a signature on a later call")
            calls += [(part["functionCall"].get("id"), part["functionCall"]["name"])
                      for part in functions]
            previous = role
            continue
        previous = role
        results = [part["functionResponse"] for part in content["parts"]
                   if "functionResponse" in part]
        for result in results:
            closed(result, "id name response parts scheduling willContinue", where)
            need(isinstance(result["response"], dict), f"{where}: a response")
        found = [(result.get("id"), result["name"]) for result in results]
        need(found == calls, f"{where}: results {found} of calls {calls}")
        calls = []
    need(not calls, "calls without results")
    need(previous == "user", "the last is not the user's")


CHECKS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}
FIELDS = {"chat": "authorization", "responses": "authorization", "messages": "x-api-key",
          "gemini": "x-goog-api-key"}


def fault(form, body, headers, signed=(), relayed=False):
    """`relayed`: the client speaks the dialect itself, and its SDK's own fields pass."""
    text = json.dumps(body)
    try:
        closed(camel(body) if form == "gemini" else body, MEMBERS[form], "the body")
        # An envelope of the gateway's goes to no vendor.
        need("weir1:" not in text and "d2VpcjE6" not in text, "an envelope")
        need(headers["content-type"] == "application/json", "a type of the body")
        need(form != "messages" or headers["anthropic-version"], "no version")
        if not relayed:
            strange(form, headers)
        CHECKS[form](body, signed, relayed)
    except Fault as found:
        return str(found)
    except (KeyError, TypeError, ValueError, AttributeError) as found:
        return f"{type(found).__name__}: {found}"
    return None


def strange(form, headers):
    others = set(FIELDS.values()) - {FIELDS[form]}
    need(not any(headers[name] for name in others), "another dialect's credential")
    need(not any(name.lower().startswith(("x-stainless", "x-goog-api-client"))
                 for name in headers.keys()), "another SDK's fields")
