"""A vendor behind TLS: answers, counts handshakes and resumptions, and closes as the path says.

    vendor.py CERTIFICATE KEY

Prints its port. `/v1/models` answers and keeps the connection; `/v1/close` answers, does not say so,
and then ends the TLS connection with a close_notify, as vendors do with idle ones, and prints
`ended N` once the other side has ended it too; every connection prints `gone N` at its end; `/v1/last` says
`Connection: close`; `/v1/slow` says half of its answer, and the rest on SIGUSR1;
`/v1/large` and `/v1/chunked` answer 4 MiB;
`/v1/count` gives the numbers of handshakes, resumed handshakes and requests. A handshake for WebSocket is agreed to, and
what follows comes back. Of the protocols that a client offers HTTP/2 is preferred, and ends the connection;
`/v1/count` has how often.
"""

import json
import signal
import socket
import ssl
import sys
import threading

counts = {"handshakes": 0, "resumed": 0, "requests": 0, "ended": 0, "gone": 0, "h2": 0}
lock = threading.Lock()
go = threading.Event()


def large(connection, is_chunked):
    piece = bytes(range(256)) * 256
    framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % (64 * len(piece))
    connection.sendall(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing)
    for _ in range(64):
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece)
    if is_chunked:
        connection.sendall(b"0\r\n\r\n")


def serve(connection):
    with lock:
        counts["handshakes"] += 1
        counts["resumed"] += connection.session_reused
        counts["h2"] += connection.selected_alpn_protocol() == "h2"
    if connection.selected_alpn_protocol() == "h2":
        return
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        head, _, data = data.partition(b"\r\n\r\n")
        target = head.split(b" ")[1].decode()
        with lock:
            counts["requests"] += 1
            body = json.dumps(counts).encode() if target == "/v1/count" else b'{"ok":true}'
        if b"upgrade: websocket" in head.lower():
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n" + data
            )
            while piece := connection.recv(65536):
                connection.sendall(piece)
            return
        if target in ("/v1/large", "/v1/chunked"):
            large(connection, target == "/v1/chunked")
            continue
        close = b"Connection: close\r\n" if target == "/v1/last" else b""
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), close, body)
        if target == "/v1/slow":
            connection.sendall(answer[:-5])
            go.wait()
            answer = answer[-5:]
        connection.sendall(answer)
        if target in ("/v1/close", "/v1/last"):
            try:
                connection.unwrap()
            except OSError:
                pass  # The other side may end without a close_notify of its own.
            with lock:
                counts["ended"] += 1
                print(f"ended {counts['ended']}", flush=True)
            return


def guarded(context, raw):
    try:
        with context.wrap_socket(raw, server_side=True) as connection:
            serve(connection)
    except OSError:
        pass
    finally:
        raw.close()
        with lock:
            counts["gone"] += 1
            print(f"gone {counts['gone']}", flush=True)


def main():
    signal.signal(signal.SIGUSR1, lambda *_: go.set())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    context.set_alpn_protocols(["h2", "http/1.1"])
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"port {listener.getsockname()[1]}", flush=True)
    while True:
        raw, _ = listener.accept()
        threading.Thread(target=guarded, args=(context, raw), daemon=True).start()


main()
