"""What each official SDK makes of an answer, in words that can be compared.

An answer is a list of its parts, why it ends, its usage, and its citations.
"""

import json

import anthropic
import openai
from google import genai
from google.genai import types

FUNCTIONS = ("f", "g")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
QUESTION = [{"role": "user", "content": "q"}]
CLIENTS = {}


def client(form, base):
    """An SDK's client; one each, because making one is slow."""
    if (form, base) not in CLIENTS:
        if form == "messages":
            made = anthropic.Anthropic(api_key="k", base_url=base, max_retries=0, timeout=30)
        elif form == "gemini":
            options = types.HttpOptions(base_url=base, timeout=30000)
            made = genai.Client(api_key="k", http_options=options)
        else:
            made = openai.OpenAI(api_key="k", base_url=f"{base}/v1", max_retries=0, timeout=30)
        CLIENTS[form, base] = made
    return CLIENTS[form, base]


def usage(input, cached, output, thought):
    return {"input": input, "cached": cached or 0, "output": output, "thought": thought or 0}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def arguments(text):
    """A call's arguments; as they are where they are cut."""
    try:
        return compact(json.loads(text))
    except ValueError:
        return f"cut: {text}"


def view(parts, end, counts, cites=()):
    """Joins what follows each other of one kind, as SDKs differ in it."""
    joined = []
    for part in parts:
        if part[0] in ("text", "reasoning") and joined and joined[-1][0] == part[0]:
            joined[-1] = (part[0], joined[-1][1] + part[1])
        elif part[0] not in ("text", "reasoning") or part[1]:
            joined.append(part)
    return {"parts": joined, "end": end, "usage": counts, "cites": list(cites)}


# MARK: Chat

def chat_tools():
    return [{"type": "function", "function": {"name": name, "parameters": SCHEMA}}
            for name in FUNCTIONS]


def chat_view(answer):
    choice = answer.choices[0]
    message = choice.message
    parts = [("reasoning", getattr(message, "reasoning_content", None) or "")]
    parts.append(("text", message.content or ""))
    # A refusal is a text of its own kind, or a text and the reason of the end.
    parts.append(("text", message.refusal or ""))
    parts += [("call", call.id, call.function.name, arguments(call.function.arguments))
              for call in message.tool_calls or []]
    end = "refused" if message.refusal else choice.finish_reason
    end = "refused" if end == "content_filter" else end
    counts = answer.usage
    cites = [(source["url_citation"]["url"], source["url_citation"]["title"])
             if isinstance(source, dict) else (source.url_citation.url, source.url_citation.title)
             for source in message.annotations or []]
    return view(parts, end, counts and usage(
        counts.prompt_tokens, counts.prompt_tokens_details.cached_tokens,
        counts.completion_tokens, counts.completion_tokens_details.reasoning_tokens), cites)


def chat(base, model, streams, tools=True):
    api = client("chat", base)
    more = {"tools": chat_tools()} if tools else {}
    if not streams:
        return chat_view(api.chat.completions.create(model=model, messages=QUESTION, **more))
    options = {"include_usage": True}
    try:
        with api.chat.completions.stream(model=model, messages=QUESTION, stream_options=options,
                                         **more) as stream:
            for _ in stream:
                pass
            answer = stream.get_final_completion()
    except openai.LengthFinishReasonError as error:
        # The helper raises what it has put together.
        answer = error.completion
    except openai.ContentFilterFinishReasonError:
        return {"parts": None, "end": "refused", "usage": None, "cites": []}
    return chat_view(answer)


# MARK: Responses

def responses_view(answer):
    parts, cites, refused = [], [], False
    for item in answer.output:
        if item.type == "reasoning":
            parts.append(("reasoning", "".join(part.text for part in item.summary)))
        elif item.type == "message":
            for part in item.content:
                refused = refused or part.type == "refusal"
                parts.append(("text", part.refusal if part.type == "refusal" else part.text))
                cites += [(source.url, source.title)
                          for source in getattr(part, "annotations", None) or []]
        elif item.type == "function_call":
            parts.append(("call", item.call_id, item.name, arguments(item.arguments)))
    end = answer.status
    if answer.incomplete_details:
        end = answer.incomplete_details.reason
    end = "refused" if refused or end == "content_filter" else end
    counts = answer.usage
    return view(parts, end, usage(
        counts.input_tokens, counts.input_tokens_details.cached_tokens, counts.output_tokens,
        counts.output_tokens_details.reasoning_tokens), cites)


def responses_tools():
    return [{"type": "function", "name": name, "parameters": SCHEMA, "strict": False}
            for name in FUNCTIONS]


def responses(base, model, streams, tools=True):
    api = client("responses", base)
    ask = {"model": model, "input": "q", "store": False}
    if tools:
        ask["tools"] = responses_tools()
    if not streams:
        return responses_view(api.responses.create(**ask))
    answer, gathered, sources = None, {}, []
    with api.responses.stream(**ask) as stream:
        for event in stream:
            if event.type in ("response.completed", "response.incomplete"):
                answer = event.response
            elif event.type == "response.output_text.annotation.added":
                sources.append(event.annotation)
            elif event.type.endswith(".delta"):
                gathered[event.output_index] = gathered.get(event.output_index, "") + event.delta
        if answer is None:
            stream.get_final_response()
    seen = responses_view(answer)
    # What the deltas spell is what the last event says.
    texts = ["".join(part.text for part in item.summary) if item.type == "reasoning"
             else item.arguments if item.type == "function_call"
             else "".join(getattr(part, "text", None) or part.refusal for part in item.content)
             for item in answer.output]
    spelled = [gathered.get(index, "") for index in range(len(texts))]
    if texts != spelled:
        seen["deltas"] = (spelled, texts)
    if len(sources) != len(seen["cites"]):
        seen["sources"] = sources
    return seen


# MARK: Messages

def messages_tools():
    return [{"name": name, "input_schema": SCHEMA} for name in FUNCTIONS]


def messages_view(answer):
    parts, cites = [], []
    for block in answer.content:
        if block.type == "thinking":
            parts.append(("reasoning", block.thinking))
        elif block.type == "text":
            parts.append(("text", block.text))
            cites += [(source.url, source.title) for source in block.citations or []]
        elif block.type == "tool_use":
            parts.append(("call", block.id, block.name, compact(block.input)))
    end = {"refusal": "refused"}.get(answer.stop_reason, answer.stop_reason)
    counts = answer.usage
    cached = counts.cache_read_input_tokens or 0
    thought = counts.output_tokens_details
    return view(parts, end, usage(
        counts.input_tokens + cached + (counts.cache_creation_input_tokens or 0), cached,
        counts.output_tokens, thought and thought.thinking_tokens), cites)


def messages(base, model, streams, tools=True):
    api = client("messages", base)
    ask = {"model": model, "max_tokens": 9999, "messages": QUESTION}
    if tools:
        ask["tools"] = messages_tools()
    if not streams:
        return messages_view(api.messages.create(**ask))
    with api.messages.stream(**ask) as stream:
        for _ in stream:
            pass
        return messages_view(stream.get_final_message())


# MARK: Gemini

def gemini_tools():
    return [types.Tool(function_declarations=[
        types.FunctionDeclaration(name=name, parameters_json_schema=SCHEMA)
        for name in FUNCTIONS])]


def gemini(base, model, streams, tools=True):
    api = client("gemini", base)
    config = types.GenerateContentConfig(
        tools=gemini_tools() if tools else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
    ask = {"model": model, "contents": "q", "config": config}
    answers = (api.models.generate_content_stream(**ask) if streams
               else [api.models.generate_content(**ask)])
    parts, end, counts, cites = [], None, None, []
    for chunk in answers:
        candidate = (chunk.candidates or [None])[0]
        for part in (candidate and candidate.content and candidate.content.parts) or []:
            if part.function_call:
                call = part.function_call
                parts.append(("call", call.id, call.name, compact(call.args)))
            elif part.text:
                parts.append(("reasoning" if part.thought else "text", part.text))
        if candidate and candidate.finish_reason:
            end = candidate.finish_reason.name
        if candidate and candidate.grounding_metadata:
            cites += [(piece.web.uri, piece.web.title)
                      for piece in candidate.grounding_metadata.grounding_chunks or []]
        counts = chunk.usage_metadata or counts
    if end is None:
        raise EOFError("a stream without a reason for its end")
    end = {"SAFETY": "refused"}.get(end, end)
    return view(parts, end, usage(
        counts.prompt_token_count, counts.cached_content_token_count,
        (counts.candidates_token_count or 0) + (counts.thoughts_token_count or 0),
        counts.thoughts_token_count), cites)


READERS = {"chat": chat, "responses": responses, "messages": messages, "gemini": gemini}


def ask(form, base, model, streams):
    """The answer as the SDK has it, or the error that it raises."""
    try:
        return READERS[form](base, model, streams)
    except Exception as error:
        return error
