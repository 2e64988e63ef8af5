"""A large file through OpenAI's SDK, in parts of 64 MiB as it cuts them by itself.

uploads.py VENDOR_PORT GATEWAY_PORT FOLDER

Plays the vendor on VENDOR_PORT: it counts and sums up what it gets. Prints the sums of both sides.
"""

import hashlib
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

vendor_port, gateway_port, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
PART = 64 * 1024 * 1024
parts = []


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("/parts"):
            boundary = re.search(r"boundary=(\S+)", self.headers["content-type"])[1].encode()
            data = body.split(b"--" + boundary)[1]
            parts.append(data[data.index(b"\r\n\r\n") + 4 : -2])
            answer = {"id": f"part_{len(parts)}", "object": "upload.part", "created_at": 0,
                      "upload_id": "upload_1"}
        else:
            state = "completed" if self.path.endswith("/complete") else "pending"
            answer = {"id": "upload_1", "object": "upload", "bytes": 0, "created_at": 0,
                      "filename": "f", "purpose": "batch", "status": state, "expires_at": 0,
                      "file": None}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer(("127.0.0.1", vendor_port), Vendor)
threading.Thread(target=server.serve_forever, daemon=True).start()

path = f"{folder}/large.jsonl"
sent = hashlib.sha256()
with open(path, "wb") as file:
    for number in range(2 * PART // (1 << 20) + 5):
        piece = bytes([number % 251]) * (1 << 20)
        sent.update(piece)
        file.write(piece)

client = openai.OpenAI(
    base_url=f"http://127.0.0.1:{gateway_port}/v1", api_key="sk-test", max_retries=0)
upload = client.uploads.upload_file_chunked(
    file=path, mime_type="application/jsonl", purpose="batch")
got = hashlib.sha256()
for part in parts:
    got.update(part)
sizes = [len(part) >> 20 for part in parts]
print(f"{upload.status}, parts of {sizes} MiB, same: {got.digest() == sent.digest()}")
server.shutdown()
