"""Coding agents as their makers ship them, in a session of several turns with a tool.

agents.py AGENT GATEWAY_PORT FIRST_PORT SECOND_PORT PROGRAM

AGENT is `claude`, `codex-http`, `codex-socket`, `aider` or `mini`. PROGRAM is Codex's, aider's or
mini-swe-agent's. The gateway sends to FIRST_PORT, and to SECOND_PORT when
that fails, which it does from its second request on (a socket stays with the vendor that opened it). All
bytes are written down on both sides of the gateway: between the agent and it, and between it and the
vendors. Prints what the agent said at the end, how many calls each vendor answered, and where the two
sides differ.

Where AGENT_CREDENTIAL is set, the agent has that as its vendor's key, and the field `x-weir-key` has
AGENT_KEY where that is set. Then it prints, too, which credentials each vendor saw, whether the
gateway's key was among any bytes behind it, and how many calls were refused.
"""

import asyncio
import json
import os
import sys
import tempfile

agent, gateway_port, first_port, second_port = sys.argv[1], *map(int, sys.argv[2:5])
program = sys.argv[5]
credential, own_key = os.environ.get("AGENT_CREDENTIAL", ""), os.environ.get("AGENT_KEY", "")

MODEL_PATHS = ("/v1/messages", "/v1/responses", "/v1/chat/completions")
# Fields that are for one connection, or that the gateway is configured to replace.
CREDENTIALS = ("authorization", "x-api-key", "x-weir-key")
DECLARED = {"host", "connection", "upgrade", *CREDENTIALS}


class Recorder:
    """Passes connections on to a port, and keeps their bytes."""

    def __init__(self):
        self.connections = []

    async def start(self, port, target):
        self.target = target
        server = await asyncio.start_server(self.serve, "127.0.0.1", port)
        return server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        sent, answered = bytearray(), bytearray()
        self.connections.append((sent, answered))
        try:
            vendor_reader, vendor_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return writer.close()

        async def pump(source, drain, kept):
            try:
                while piece := await source.read(65536):
                    kept += piece
                    drain.write(piece)
                    await drain.drain()
            except OSError:
                pass
            drain.close()

        await asyncio.gather(
            pump(reader, vendor_writer, sent), pump(vendor_reader, writer, answered)
        )


def requests(data):
    """The requests in the bytes of a connection: request line, fields, body; after a handshake the rest is one."""
    found = []
    data = bytes(data)
    while b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        line, *fields = head.decode().split("\r\n")
        pairs = [(f.partition(":")[0], f.partition(":")[2].strip()) for f in fields]
        length = next((int(v) for n, v in pairs if n.lower() == "content-length"), 0)
        if any(n.lower() == "upgrade" for n, _ in pairs):
            length = len(data)
        assert not any(n.lower() == "transfer-encoding" for n, _ in pairs)
        found.append((line, pairs, data[:length]))
        data = data[length:]
    return found


def difference(mine, theirs):
    """Where a request of the agent's and the vendor's are not the same; empty where they are."""
    if mine[0] != theirs[0]:
        return f"{mine[0]} is {theirs[0]}"
    # The length is framing: how its name is spelled, and where the field stands, is no part of a request.
    lengths = [[f[1] for f in r[1] if f[0].lower() == "content-length"] for r in (mine, theirs)]
    if lengths[0] != lengths[1]:
        return f"lengths: {lengths}"
    kept = [[f for f in r[1] if f[0].lower() not in DECLARED | {"content-length"}] for r in (mine, theirs)]
    if kept[0] != kept[1]:
        return f"fields: {set(kept[0]) ^ set(kept[1]) or 'another order'}"
    if mine[2] != theirs[2]:
        return f"a body of {len(mine[2])} bytes is one of {len(theirs[2])}"
    return ""


def event(value):
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()


def messages(body):
    """What a vendor of Anthropic's says: the tool twice, and then that all is done."""
    count = sum(
        part.get("type") == "tool_result"
        for message in body["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
    )
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {
        "id": f"msg_{count}", "type": "message", "role": "assistant", "model": body["model"],
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    yield {"type": "message_start", "message": message}
    uses = count < 2 and any(tool.get("name") == "Bash" for tool in body.get("tools", []))
    if uses:
        block = {"type": "tool_use", "id": f"toolu_{count}", "name": "Bash", "input": {}}
        arguments = json.dumps({"command": f"echo step-{count}", "description": "Say it"})
        delta = {"type": "input_json_delta", "partial_json": arguments}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": "All is done."}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    reason = {"stop_reason": "tool_use" if uses else "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": reason, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def responses(body, earlier=0):
    """The same of OpenAI's; `earlier` results of tools came before on the same socket."""
    count = earlier + sum(item.get("type") == "function_call_output" for item in body["input"])
    name = f"resp_{count}"
    yield {"type": "response.created", "response": {"id": name}}
    if body.get("generate") is not False:
        item = {
            "type": "message", "id": "msg_1", "role": "assistant",
            "content": [{"type": "output_text", "text": "All is done."}],
        }  # fmt: skip
        if count < 2:
            arguments = json.dumps({"cmd": f"echo step-{count}"})
            item = {
                "type": "function_call", "id": f"fc_{count}", "call_id": f"call_{count}",
                "name": "exec_command", "arguments": arguments,
            }  # fmt: skip
        yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    usage = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
    yield {"type": "response.completed", "response": {"id": name, "output": [], "usage": usage}}


def chat(body):
    """The same in OpenAI's older words: a tool where there is one, else an edit of a file that is named."""
    said = [m for m in body["messages"] if m["role"] == "assistant"]
    if body.get("tools"):
        count = sum(m["role"] == "tool" for m in body["messages"])
        command = f"echo step-{count}" if count < 2 else "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
        call = {
            "index": 0, "id": f"call_{count}", "type": "function",
            "function": {"name": "bash", "arguments": json.dumps({"command": command})},
        }  # fmt: skip
        return {"role": "assistant", "content": "A step.", "tool_calls": [call]}, "tool_calls"
    count = sum("made step-" in str(m["content"]) for m in said)
    before = "start" if count == 0 else f"made step-{count - 1}"
    edit = f"<<<<<<< SEARCH\n{before}\n=======\nmade step-{count}\n>>>>>>> REPLACE"
    return {"role": "assistant", "content": f"notes.txt\n```\n{edit}\n```\n"}, "stop"


def completion(body):
    """An answer of chat, as a stream where one was asked for: its type and its bytes."""
    message, reason = chat(body)
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    rest = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        whole = {**rest, "object": "chat.completion", "choices": [choice], "usage": usage}
        return "application/json", json.dumps(whole).encode()
    chunks = [
        {"choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {"choices": [], "usage": usage},
    ]
    lines = [json.dumps({**rest, "object": "chat.completion.chunk", **c}) for c in chunks]
    return "text/event-stream", "".join(f"data: {x}\n\n" for x in [*lines, "[DONE]"]).encode()


class Vendor:
    """Answers calls; where it is said to fail, only the first."""

    def __init__(self, fails):
        self.fails = fails
        self.count = 0

    async def start(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(
                    (line.partition(":")[0].lower(), line.partition(":")[2].strip())
                    for line in head.split("\r\n")[1:]
                )
                data = await reader.readexactly(int(fields.get("content-length") or 0))
                writer.write(self.answer(head.split(" ")[1], data))
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def answer(self, target, data):
        path = target.partition("?")[0]
        if not data or path not in MODEL_PATHS:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        if self.fails and self.count > 0:
            return b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
        self.count += 1
        body = json.loads(data)
        if path == "/v1/chat/completions":
            kind, text = completion(body)
        else:
            say = messages if path == "/v1/messages" else responses
            kind, text = "text/event-stream", b"".join(event(value) for value in say(body))
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text


class SocketVendor:
    """Answers Codex's WebSocket."""

    count = 0

    async def start(self):
        from websockets.asyncio.server import serve

        self.server = await serve(self.answer, "127.0.0.1", 0, max_size=None)
        return self.server.sockets[0].getsockname()[1]

    async def answer(self, socket):
        from websockets import ConnectionClosed

        earlier = 0
        try:
            async for text in socket:
                body = json.loads(text)
                for value in responses(body, earlier):
                    await socket.send(json.dumps(value))
                if body.get("previous_response_id"):
                    earlier += sum(i["type"] == "function_call_output" for i in body["input"])
                self.count += 1
        except ConnectionClosed:
            pass  # Codex goes without a farewell.


async def claude(port, home):
    from claude_agent_sdk import ClaudeAgentOptions, query

    options = ClaudeAgentOptions(
        allowed_tools=["Bash"], permission_mode="bypassPermissions", cwd=home, max_turns=6,
        setting_sources=[],
        env={
            "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{port}", "ANTHROPIC_API_KEY": "sk-ant-test",
            "HOME": home, "IS_SANDBOX": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
    )  # fmt: skip
    if credential:
        options.env["ANTHROPIC_API_KEY"] = credential
    if own_key:
        options.env["ANTHROPIC_CUSTOM_HEADERS"] = f"x-weir-key: {own_key}"
    try:
        async for message in query(prompt="Do two steps.", options=options):
            if type(message).__name__ == "ResultMessage":
                print("agent:", message.subtype, message.result, flush=True)
    except Exception as error:  # noqa: BLE001: what it says is what is looked at
        print("agent failed:", error, flush=True)


async def codex(port, home):
    with open(f"{home}/config.toml", "w") as file:
        base = f"http://127.0.0.1:{port}/v1"
        if own_key:
            file.write(
                'model = "gpt-5"\nmodel_provider = "weir"\n[model_providers.weir]\nname = "weir"\n'
                f'base_url = "{base}"\nenv_key = "CODEX_API_KEY"\nwire_api = "responses"\n'
                f'http_headers = {{ "x-weir-key" = "{own_key}" }}\n'
            )
        else:
            file.write(f'openai_base_url = "{base}"\nmodel = "gpt-5"\n')
    key = credential or "sk-test"
    process = await asyncio.create_subprocess_exec(
        program, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
        "Do two steps.", cwd=home, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "CODEX_HOME": home, "CODEX_API_KEY": key, "OPENAI_API_KEY": key},
    )  # fmt: skip
    output, errors = await process.communicate()
    if process.returncode:
        print("agent failed:", *errors.decode().split("\n"), flush=True)
    print("agent:", process.returncode, output.decode().split("\n")[-2:], flush=True)


async def said(home, port, *arguments, **more):
    """What a program says that reaches OpenAI through LiteLLM; it gets nothing of this user's settings."""
    base = f"http://127.0.0.1:{port}/v1"
    process = await asyncio.create_subprocess_exec(
        program, *arguments, cwd=home, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": os.environ["PATH"], "HOME": home, "OPENAI_API_KEY": "sk-test",
            "OPENAI_API_BASE": base, "OPENAI_BASE_URL": base, "TERM": "dumb",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True", **more,
        },
    )  # fmt: skip
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def aider(port, home):
    with open(f"{home}/notes.txt", "w") as file:
        file.write("start\n")
    # The first edit fails aider's own test, whose output aider sends as the next turn.
    code, output = await said(
        home, port, "--model", "openai/gpt-4o", "--edit-format", "diff", "--no-git", "--yes-always",
        "--no-check-update", "--analytics-disable", "--no-show-model-warnings", "--no-show-release-notes",
        "--no-detect-urls", "--map-tokens", "0", "--test-cmd", "grep step-2 notes.txt", "--auto-test",
        "--message", "Do two steps.", "notes.txt",
    )  # fmt: skip
    with open(f"{home}/notes.txt") as file:
        text = file.read().strip()
    print("agent:", code, text, flush=True)
    if text != "made step-2":
        print(output)


async def mini(port, home):
    code, output = await said(
        home, port, "-m", "openai/gpt-4o", "-t", "Do two steps.", "-y", "--exit-immediately",
        "-o", f"{home}/trajectory.json",
        MSWEA_CONFIGURED="true", MSWEA_COST_TRACKING="ignore_errors", MSWEA_SILENT_STARTUP="1",
    )  # fmt: skip
    with open(f"{home}/trajectory.json") as file:
        info = json.load(file)["info"]
    print("agent:", code, info["exit_status"], flush=True)
    if info["exit_status"] != "Submitted":
        print(output)


def show_credentials(before, behind):
    """Which credentials each vendor saw, and what became of the gateway's key."""
    for recorder in behind:
        asked = [r for sent, _ in recorder.connections for r in requests(sent)]
        seen = {f"{n.lower()}: {v}" for r in asked for n, v in r[1] if n.lower() in CREDENTIALS}
        print("vendor saw:", *(sorted(seen) or ["nothing"]))
    passed = b"".join(bytes(sent) for r in behind for sent, _ in r.connections)
    print("keys behind the gateway:", passed.count(b"weir_"))
    answers = b"".join(bytes(answered) for _, answered in before.connections)
    print("refused:", answers.count(b"HTTP/1.1 429 "))


async def main():
    vendors = [Vendor(fails=True), Vendor(fails=False)]
    if agent == "codex-socket":
        vendors = [SocketVendor(), Vendor(fails=False)]
    behind = [Recorder(), Recorder()]
    for recorder, vendor, port in zip(behind, vendors, (first_port, second_port)):
        await recorder.start(port, await vendor.start())
    before = Recorder()
    port = await before.start(0, gateway_port)
    with tempfile.TemporaryDirectory() as home:
        agents = {"claude": claude, "aider": aider, "mini": mini}
        await agents.get(agent, codex)(port, home)
    print("calls:", *(vendor.count for vendor in vendors))
    asked = [r for sent, _ in before.connections for r in requests(sent)]
    got = [r for recorder in behind for sent, _ in recorder.connections for r in requests(sent)]
    bodies = {}
    for request in got:
        bodies.setdefault((request[0], request[2]), []).append(request)
    differences = 0
    compared = 0
    for request in asked:
        if request[0].split(" ")[1].partition("?")[0] not in MODEL_PATHS:
            continue
        if agent == "codex-http" and request[0].startswith("GET "):
            continue  # A WebSocket, which the gateway refuses by itself.
        same = bodies.get((request[0], request[2]), [])
        compared += 1
        reasons = [difference(request, other) for other in same] or ["no vendor got it"]
        if reason := next(filter(None, reasons), ""):
            differences += 1
            print("differs:", request[0], reason)
    print(f"compared: {compared}, different: {differences}")
    if credential:
        show_credentials(before, behind)
    if agent == "codex-socket":
        sides = [
            sorted(
                bytes(answered).partition(b"\r\n\r\n")[2]
                for r in side
                for sent, answered in r.connections
                if b"pgrade: websocket" in sent
            )
            for side in ([before], behind)
        ]
        print("answers:", "same" if sides[0] == sides[1] else "different")


asyncio.run(main())
