"""Files through Google's SDK, which shows no key at the address that its vendor names for the bytes.

google_upload.py VENDOR_PORT GATEWAY_PORT KEY

Plays the vendor on VENDOR_PORT: it names an address of its own for the bytes. Prints for each client
whether its file arrived, and for each request with which key the vendor saw it.
"""

import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google import genai
from google.genai import types

vendor_port, gateway_port, key = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
CONTENT = b"hello" * 10
seen = []


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        command = self.headers["x-goog-upload-command"]
        seen.append(f"{command} with {self.headers['x-goog-api-key']}")
        answer = b"{}"
        self.send_response(200)
        if command == "start":
            self.send_header("x-goog-upload-status", "active")
            self.send_header(
                "x-goog-upload-url",
                f"http://127.0.0.1:{vendor_port}/upload/v1beta/files?upload_id=u1",
            )
        else:
            assert body == CONTENT
            self.send_header("x-goog-upload-status", "final")
            answer = json.dumps({"file": {"name": "files/a", "state": "ACTIVE"}}).encode()
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = ThreadingHTTPServer(("127.0.0.1", vendor_port), Vendor)
threading.Thread(target=server.serve_forever, daemon=True).start()


def upload(name, **options):
    seen.clear()
    client = genai.Client(
        api_key=key,
        http_options=types.HttpOptions(base_url=f"http://127.0.0.1:{gateway_port}", **options),
    )
    try:
        file = client.files.upload(
            file=io.BytesIO(CONTENT), config=types.UploadFileConfig(mime_type="text/plain")
        )
        result = file.name
    except genai.errors.APIError as error:
        result = error.code
    print(f"{name}: {result}; {', '.join(seen)}")


upload("by itself")
upload("with the key in every request", client_args={"headers": {"x-goog-api-key": key}})
