"""A vendor that speaks all four dialects, and does what the model's name asks for.

NAME            answers as the script does
NAME:bytes      sends a stream byte by byte
NAME:cut:N      breaks the connection off behind N bytes of a stream
NAME:short:N    ends a stream's body behind N events, as if it were whole
NAME:fail:N     ends a stream behind N events with an error
NAME:silent:N   falls silent for N seconds in the middle of a stream
error:KIND      refuses with a status
garbage:KIND    answers with what is of no dialect
"""

import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from dialects import SCRIPTS, WHOLE, error, error_frame, frames

COUNTS = {"/v1/responses/input_tokens": "responses", "/v1/messages/count_tokens": "messages"}
PATHS = {"/v1/chat/completions": "chat", "/v1/responses": "responses", "/v1/messages": "messages"}
GEMINI = re.compile(
    r"/v1(?:beta)?/models/(.+):(generateContent|streamGenerateContent|countTokens)$")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_POST(self):
        path = unquote(self.path.partition("?")[0])
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(raw)
        match = GEMINI.match(path)
        if path in COUNTS or match and match[2] == "countTokens":
            return self.count(COUNTS.get(path, "gemini"), body)
        if match:
            form, model = "gemini", match[1]
            streams = match[2] == "streamGenerateContent"
        else:
            form, model, streams = PATHS[path], body["model"], body.get("stream", False)
        vendor = self.server.vendor
        if form in vendor.down:
            return self.whole(*error("busy", form))
        fault = vendor.judge(form, body, self.headers)
        if fault:
            status, refusal = error("bad", form)
            refusal["error"]["message"] = fault
            return self.whole(status, refusal)
        self.answer(form, model, streams, vendor.script(form, model, body))

    def count(self, form, body):
        self.server.vendor.counted.append((form, body))
        number = {"totalTokens": 14} if form == "gemini" else {"input_tokens": 14}
        self.whole(200, {**number, "object": "response.input_tokens"}
                   if form == "responses" else number)

    def answer(self, form, model, streams, script):
        name, *way = model.split(":")
        if name == "error":
            return self.whole(*error(way[0], form), {"retry-after": "7"})
        if name == "garbage":
            return self.garbage(way[0])
        if not streams:
            return self.whole(200, WHOLE[form](script, model))
        self.stream(form, frames(script, form, model), *way)

    def whole(self, status, body, fields={}):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **fields}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, form, events, way="", count="0"):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        count = int(count)
        if way == "bytes":
            for byte in b"".join(events):
                self.chunk(bytes([byte]))
        elif way == "cut":
            self.chunk(b"".join(events)[:count])
            return self.reset()
        elif way == "silent":
            half = len(events) // 2
            self.chunk(b"".join(events[:half]))
            time.sleep(count)
            self.chunk(b"".join(events[half:]))
        elif way == "fail":
            for event in events[:count] + [error_frame("busy", form, count)]:
                self.chunk(event)
        else:
            for event in events[:count] if way == "short" else events:
                self.chunk(event)
        self.wfile.write(b"0\r\n\r\n")

    def garbage(self, kind):
        text = "text/event-stream"
        answers = {
            "html": ("text/html", b"<html><body>It works!</body></html>"),
            "words": (text, b"data: it works\n\ndata: [DONE]\n\n"),
            "other": (text, b'data: {"hello":"world"}\n\ndata: {"a":[1,2]}\n\n'),
            "done": (text, b"data: [DONE]\n\n"),
            "empty": (text, b""),
            "comments": (text, b": hi\n\n: hi\n\n"),
            "binary": (text, bytes(range(256)) * 20),
            "json": ("application/json", b'{"hello":"world"}'),
            "list": ("application/json", b"[]"),
            "half": ("application/json", b'{"choices":[{"index":0'),
            "text": ("application/json", b'"a text"'),
        }
        type, data = answers[kind]
        self.whole(200, data, {"content-type": type})

    def chunk(self, data):
        if data:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # A client that goes away is no fault of the vendor's.
        pass


class Vendor:
    """The vendor on a free port; `check` reads each request, and says what is wrong with it."""

    def __init__(self, check=None, script=None):
        self.check = check
        self.scripted = script
        # Each request's dialect and what is wrong with it.
        self.faults = []
        # The dialects in which it is out of order.
        self.down = set()
        self.requests = []
        self.counted = []
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.vendor = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, form, body, headers):
        self.requests.append((form, body))
        fault = self.check(form, body, headers) if self.check else None
        if fault:
            self.faults.append((form, fault))
        return fault

    def script(self, form, model, body):
        if self.scripted:
            return self.scripted(form, model, body)
        return SCRIPTS.get(model.split(":")[0])
