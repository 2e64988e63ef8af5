"""What a gateway does around a translation: chains, quirks, losses, refusals, signs of life.

conduct.py WEIR
"""

import http.client
import json
import subprocess
import sys
import threading

import readers
from dialects import FORMS
from gateway import Gateway, chain, vendor
from vendor import Vendor

wrong = []
checks = 0


def expect(holds, what):
    global checks
    checks += 1
    if not holds:
        wrong.append(what)
        print(what)


PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses",
         "messages": "/v1/messages", "gemini": "/v1beta/models/text:generateContent"}


def body(form, **more):
    """A request of one text; `more` are further members."""
    ask = {"chat": {"messages": [{"role": "system", "content": "S"}, *readers.QUESTION]},
           "responses": {"input": "q", "instructions": "S", "store": False},
           "messages": {"messages": readers.QUESTION, "max_tokens": 50, "system": "S"},
           "gemini": {"contents": [{"role": "user", "parts": [{"text": "q"}]}],
                      "systemInstruction": {"parts": [{"text": "S"}]}}}[form]
    if form != "gemini":
        ask["model"] = "text"
    return {**ask, **more}


def post(port, prefix, form, ask, path=None):
    """The status, the fields and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/{prefix}{path or PATHS[form]}", json.dumps(ask),
                       {"content-type": "application/json"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, answer.headers, json.loads(data)


# MARK: One chain over all of them

def chains(gateway, cloud, own):
    """OpenAI, Anthropic, Gemini and a server of one's own, each of which fails in its turn."""
    order = [("openai", {"chat", "responses"}), ("anthropic", {"messages"}),
             ("google", {"gemini"})]
    base = f"http://127.0.0.1:{gateway.port}/all"
    for failing in range(len(order) + 1):
        cloud.down = set().union(*(forms for _, forms in order[:failing]))
        wanted = (order + [("own", set())])[failing][0]
        for form in FORMS:
            for name in ("text", "tools", "thought", "length"):
                for streams in (False, True):
                    found = readers.ask(form, base, name, streams)
                    cloud_down, cloud.down = cloud.down, set()
                    direct = readers.ask(form, f"http://127.0.0.1:{cloud.port}", name, streams)
                    cloud.down = cloud_down
                    expect(found == direct, f"{form} by {wanted}, {name}: {found!r}, {direct!r}")
            status, fields, _ = post(gateway.port, "all", form, body(form))
            expect(status == 200 and fields["x-weir-vendor"] == wanted,
                   f"{form}: served by {fields['x-weir-vendor']}, not {wanted}")
            own_form = wanted == "openai" and form in ("chat", "responses") or (
                wanted, form) in (("anthropic", "messages"), ("google", "gemini"),
                                  ("own", "chat"))
            expect((fields["x-weir-translated"] is None) == own_form, f"{form} by {wanted}")
    cloud.down, own.down = set(FORMS), set(FORMS)
    for form in FORMS:
        found = readers.ask(form, base, "text", False)
        expect(isinstance(found, Exception) and "no: busy" in str(found), f"{form}: {found!r}")
    cloud.down, own.down = set(), set()


# MARK: Quirks and losses

def quirks(gateway, cloud):
    """What is known of a model changes the request, and is declared."""
    for form in ("responses", "messages", "gemini"):
        more = {"gemini": {"generationConfig": {"maxOutputTokens": 50}},
                "responses": {"max_output_tokens": 50}}.get(form, {})
        status, fields, _ = post(gateway.port, "odd", form, body(form, **more))
        sent = cloud.requests[-1][1]
        expect(status == 200, f"quirks of {form}: {status}")
        expect(sent.get("max_tokens") == 50 and "max_completion_tokens" not in sent,
               f"the limit of {form}: {sent}")
        expect(sent["messages"][0]["role"] == "developer", f"the role of {form}: {sent}")
    for form in ("chat", "responses", "gemini"):
        more = {"gemini": {"generationConfig": {"temperature": 0.5}}}.get(
            form, {"temperature": 0.5})
        path = {"gemini": "generationConfig.temperature"}.get(form, "temperature")
        _, fields, _ = post(gateway.port, "messages", form, body(form, **more))
        expect(f"-{path}" in fields["x-weir-translated"], fields["x-weir-translated"])
        expect("temperature" not in cloud.requests[-1][1], "a temperature for a model without")
        _, fields, _ = post(gateway.port, "warm", form, body(form, **more))
        expect(f"-{path}" not in fields["x-weir-translated"], fields["x-weir-translated"])
        expect(cloud.requests[-1][1].get("temperature") == 0.5, "no temperature")


LOSSES = [
    ("chat", "messages", {"seed": 7}, "seed"),
    ("chat", "responses", {"seed": 7}, None),
    ("chat", "gemini", {"verbosity": "low"}, "verbosity"),
    ("responses", "chat", {"truncation": "auto"}, "truncation"),
    ("responses", "messages", {"max_tool_calls": 3}, "max_tool_calls"),
    ("responses", "gemini", {"max_tool_calls": 3}, "max_tool_calls"),
    ("messages", "chat", {"top_k": 5}, "top_k"),
    ("messages", "responses", {"stop_sequences": ["x"]}, "stop_sequences"),
    ("messages", "gemini", {"metadata": {"user_id": "u"}}, "metadata.user_id"),
    ("gemini", "chat", {"safetySettings": [{"category": "c", "threshold": "t"}]},
     "safetySettings"),
    ("gemini", "responses", {"generationConfig": {"seed": 7}}, "generationConfig.seed"),
    ("gemini", "messages", {"generationConfig": {"seed": 7}}, "generationConfig.seed"),
]


def losses(gateway, cloud):
    """A loss is declared, and refused where that is wanted."""
    for source, target, more, path in LOSSES:
        if path is None:
            continue
        status, fields, _ = post(gateway.port, target, source, body(source, **more))
        translated = fields["x-weir-translated"]
        expect(status == 200 and translated.startswith(f"{source}>{target}; lost=")
               and f"-{path}" in translated, f"{source}>{target}: {status} {translated}")
        before = len(cloud.requests)
        status, fields, answer = post(gateway.port, f"strict-{target}", source,
                                      body(source, **more))
        expect(status == 400 and path in json.dumps(answer), f"{source}>{target}: {answer}")
        expect(len(cloud.requests) == before, f"{source}>{target}: the vendor was asked")
        # The next target that loses nothing is asked instead.
        status, fields, _ = post(gateway.port, f"strict-{target}-{source}", source,
                                 body(source, **more))
        expect(status == 200 and fields["x-weir-vendor"] == source
               and fields["x-weir-translated"] is None, f"{source}>{target}: {status}")


REFUSED = [
    ("responses", {"previous_response_id": "resp_1"}, "previous_response_id"),
    ("responses", {"conversation": "conv_1"}, "conversation"),
    ("responses", {"background": True}, "background"),
    ("responses", {"prompt": {"id": "pmpt_1"}}, "prompt"),
    ("responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
    ("responses", {"input": [{"role": "user", "content": [
        {"type": "input_file", "file_id": "file-1"}]}]}, "content[0]"),
    ("responses", {"input": [{"role": "user", "content": [
        {"type": "input_image", "file_id": "file-1"}]}]}, "content[0]"),
    ("chat", {"n": 2}, "n"),
    ("chat", {"messages": [{"role": "user", "content": [
        {"type": "file", "file": {"file_id": "file-1"}}]}]}, "content[0]"),
    ("messages", {"container": "c_1"}, "container"),
    ("messages", {"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}}]}]}, "content[0]"),
    ("messages", {"messages": [{"role": "user", "content": [
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]}, "content[0]"),
    ("gemini", {"cachedContent": "cachedContents/1"}, "cachedContent"),
    ("gemini", {"contents": [{"role": "user", "parts": [
        {"fileData": {"mimeType": "video/mp4", "fileUri": "files/1"}}]}]}, "contents[0].parts[0]"),
]


def refusals(gateway, cloud):
    """What only one vendor keeps is refused by its name."""
    for source, more, path in REFUSED:
        for target in FORMS:
            # Chat and Responses are of one vendor, which has the files of both.
            if source == target or "file-1" in json.dumps(more) and target in ("chat", "responses"):
                continue
            before = len(cloud.requests)
            status, _, answer = post(gateway.port, target, source, body(source, **more))
            said = json.dumps(answer)
            expect(status == 400 and path in said, f"{source}>{target} {more}: {status} {said}")
            expect(len(cloud.requests) == before, f"{source}>{target} {more}: the vendor was asked")
    # What the gateway cannot keep is said, and not asked of the vendor.
    for target in ("chat", "messages", "gemini"):
        status, fields, answer = post(gateway.port, target, "responses",
                                      body("responses", store=True))
        expect(status == 200 and "-store" in fields["x-weir-translated"],
               f"store to {target}: {status} {fields['x-weir-translated']}")
        expect(answer["store"] is False, f"store to {target}: {answer.get('store')}")
        expect("store" not in cloud.requests[-1][1], f"store to {target}")


# MARK: Counts

def counts(gateway, cloud):
    """The SDKs' own questions how many tokens a request has."""
    port = gateway.port
    for target in ("responses", "messages", "gemini"):
        base = f"http://127.0.0.1:{port}/{target}"
        if target != "messages":
            found = readers.client("messages", base).messages.count_tokens(
                model="m", messages=readers.QUESTION, system="S", tools=readers.messages_tools())
            expect(found.input_tokens == 14, f"messages>{target}: {found}")
        if target != "gemini":
            found = readers.client("gemini", base).models.count_tokens(model="m", contents="q")
            expect(found.total_tokens == 14, f"gemini>{target}: {found}")
        if target != "responses":
            found = readers.client("responses", base).responses.input_tokens.count(
                model="m", input="q", instructions="S", tools=readers.responses_tools())
            expect(found.input_tokens == 14, f"responses>{target}: {found}")
        counted = cloud.counted[-1]
        expect(counted[0] == target and "max_tokens" not in counted[1], f"a count: {counted}")
    status, _, answer = post(port, "chat", "messages", {
        "model": "m", "messages": readers.QUESTION}, "/v1/messages/count_tokens")
    expect(status in (400, 404) and answer["type"] == "error", f"{status} {answer}")


# MARK: Signs of life

SIGNS = {"chat": b": ", "responses": b": ", "messages": b"event: ping"}


def silence(gateway, prefix, form, target, seconds):
    """The vendor of a stream falls silent; the client hears something."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    ask = body(form, model=f"text:silent:{seconds}", stream=True)
    connection.request("POST", f"/{prefix}{PATHS[form]}", json.dumps(ask),
                       {"content-type": "application/json"})
    data = connection.getresponse().read()
    signs = sum(line.startswith(SIGNS[form]) for line in data.split(b"\n"))
    expect(signs >= 1, f"{form}>{target}: silent for {seconds} s: {data[-300:]}")
    end = {"chat": b"data: [DONE]", "responses": b"response.completed",
           "messages": b"message_stop"}[form]
    expect(end in data, f"{form}>{target}: no end behind the silence")


def silences(gateway):
    threads = [threading.Thread(target=silence, args=(gateway, prefix, form, target, seconds))
               for form in SIGNS for target in FORMS if target != form
               for prefix, seconds in ((f"beat-{target}", "1"), (target, "17"))]
    for thread in threads:
        thread.start()
    return threads


# MARK: The record

def record(weir, gateway):
    """The record has the pair and the losses of each attempt, and `weir logs show` prints them."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    connection.request("POST", "/fall" + PATHS["chat"], json.dumps(body("chat", seed=7)),
                       {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    name = answer.headers["x-weir-id"]
    gateway.stop()
    shown = subprocess.run([weir, "logs", "show", name, "--config", gateway.file],
                           capture_output=True, text=True)
    lines = [line.split(None, 1)[1].strip() for line in shown.stdout.splitlines()
             if line.startswith("translated")]
    expect(len(lines) == 2 and lines[0].startswith("attempt 1: chat>messages; lost=")
           and "-seed" in lines[0] and lines[1].startswith("attempt 2: chat>gemini"),
           f"weir logs show {name}: {shown.stdout} {shown.stderr}")


cloud, own = Vendor(), Vendor()
at = cloud.port
toml = "".join(vendor(form, form, at) + chain(form, [form]) for form in FORMS)
toml += vendor("openai", "chat", at).replace('["chat"]', '["chat", "responses"]')
toml += vendor("anthropic", "messages", at) + vendor("google", "gemini", at)
toml += vendor("own", "chat", own.port) + vendor("odd", "chat", at)
toml += vendor("warm", "messages", at)
steady = "[chains.failover]\ncooldown_after = 1000\n"
toml += chain("all", ["openai", "anthropic", "google", "own"], steady)
toml += chain("odd", ["odd"]) + chain("warm", ["warm"])
for form in FORMS:
    toml += chain(f"strict-{form}", [form], 'translate_loss = "refuse"')
    toml += chain(f"beat-{form}", [form], 'heartbeat = "200ms"')
    for source in FORMS:
        toml += chain(f"strict-{form}-{source}", [form, source], 'translate_loss = "refuse"')
toml += chain("fall", ["anthropic", "google"], steady)
toml += '[[quirks]]\nvendor = "odd"\nlimit_field = "max_tokens"\nsystem_role = "developer"\n'
toml += '[[quirks]]\nvendor = "warm"\nsampling = true\n'
gateway = Gateway(sys.argv[1], toml)
try:
    threads = silences(gateway)
    chains(gateway, cloud, own)
    quirks(gateway, cloud)
    losses(gateway, cloud)
    refusals(gateway, cloud)
    counts(gateway, cloud)
    for thread in threads:
        thread.join()
    cloud.down = {"messages"}
    record(sys.argv[1], gateway)
finally:
    gateway.stop()
print(f"{checks} checks, {len(wrong)} wrong")
sys.exit(1 if wrong else 0)
