"""A proxy that opens tunnels, and says what went through it.

    proxy.py

Prints its port. For each tunnel it prints `tunnel TARGET AUTHORIZATION`, and at its end `closed N`, where N is
the number of bytes of the two directions in which the word `canary` could be read: zero with TLS inside.
"""

import socket
import threading


def copy(source, target, seen):
    try:
        while piece := source.recv(65536):
            seen.append(piece)
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # One side is gone; the end of its socket says so to the other.


def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = client.recv(1)
        if not piece:
            return
        head += piece
    lines = head.decode().split("\r\n")
    target = lines[0].split(" ")[1]
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    print(f"tunnel {target} {fields.get('proxy-authorization', '-')}", flush=True)
    host, _, port = target.rpartition(":")
    vendor = socket.create_connection((host, int(port)))
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    there, back = [], []
    thread = threading.Thread(target=copy, args=(vendor, client, back), daemon=True)
    thread.start()
    copy(client, vendor, there)
    thread.join()
    readable = sum(len(text) for text in map(b"".join, (there, back)) if b"canary" in text)
    print(f"closed {readable}", flush=True)


def guarded(client):
    with client:
        serve(client)


listener = socket.create_server(("127.0.0.1", 0))
print(f"port {listener.getsockname()[1]}", flush=True)
while True:
    threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()
