"""A client of the gateway over TLS, for what a client of the suite's own cannot do. Prints one line of JSON.

    client.py get PORT CA [name=HOST|none] [version=1.2|1.3] [alpn=a,b] [cert=FILE key=FILE] [path=/…] [proxy=1] [from=ADDRESS]
    client.py drip PORT CA            the handshake byte by byte, then a request
    client.py resume PORT CA COUNT    so many connections, each with the session of the one before
    client.py carry PORT CA mark=FILE a session, and once the file is there a connection that resumes it
    client.py load PORT CA mark=FILE stop=FILE   calls on kept and on new connections until a file is there
    client.py cut PORT CA             reads a stream to its end, and says how the connection ended
    client.py slowly PORT CA          reads an answer in small pieces through a small window
    client.py vanish PORT CA          reads the beginning of a stream, and is gone without a word
    client.py plain PORT              HTTP without TLS
    client.py stall PORT              the beginning of a greeting, and then nothing
    client.py garbage PORT            what is no handshake; how each connection ended
    client.py open PORT CA count=N stop=FILE [greeting=1]  connections that send nothing, or a greeting alone
    client.py renegotiate|update PORT CA   with OpenSSL's program, which knows how to
    client.py early PORT CA session=FILE   the same, with a request in early data
"""

import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import threading
import time

mode, port = sys.argv[1], int(sys.argv[2])
authority = sys.argv[3] if len(sys.argv) > 3 else None
options = dict(word.split("=", 1) for word in sys.argv[4:] if "=" in word)


def context():
    made = ssl.create_default_context(cafile=authority)
    made.check_hostname = "name" in options and options["name"] != "none"
    if "version" in options:
        version = {"1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
                   "1.3": ssl.TLSVersion.TLSv1_3}[options["version"]]
        made.minimum_version = made.maximum_version = version
    if "alpn" in options:
        made.set_alpn_protocols(options["alpn"].split(","))
    if "cert" in options:
        made.load_cert_chain(options["cert"], options["key"])
    return made


def request(path, close=True):
    last = "Connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n".encode()


def read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


def tcp():
    source = (options["from"], 0) if "from" in options else None
    return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=source)


def connect(made=None, session=None, raw=None):
    raw = raw or tcp()
    if "proxy" in options:
        # Of 192.0.2.7, in the packet of the greeting.
        raw.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\0P\0P")
    name = options.get("name", "localhost")
    return (made or context()).wrap_socket(
        raw, server_hostname=None if name == "none" else name, session=session,
        suppress_ragged_eofs=False)


def subject_of(connection):
    return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]


def await_file(name):
    while not os.path.exists(options[name]):
        time.sleep(0.01)


def get():
    with connect() as connection:
        connection.sendall(request(options.get("path", "/v1/models")))
        data = read_all(connection)
        return {"status": int(data.split(b" ")[1]), "version": connection.version(),
                "alpn": connection.selected_alpn_protocol(), "subject": subject_of(connection),
                "whole": data.endswith(b"\r\n0\r\n\r\n")}


def is_whole(data):
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return body.endswith(b"0\r\n\r\n")


def keep():
    """Two requests on one connection, the second once a file is there; how each of them ended."""
    connection = connect()
    connection.sendall(request("/v1/models", close=False))
    first = b""
    while not is_whole(first):
        first += connection.recv(65536)
    print("kept", flush=True)
    await_file("go")
    try:
        connection.sendall(request("/v1/models"))
        rest = read_all(connection)
    except OSError:
        rest = b""
    return {"first": first[:12].decode(), "second": rest[:12].decode()}


def drip():
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context().wrap_bio(incoming, outgoing, server_hostname="localhost")

    def flush():
        for byte in outgoing.read():
            raw.sendall(bytes([byte]))

    def until_done(call):
        while True:
            try:
                result = call()
                flush()
                return result
            except ssl.SSLWantReadError:
                flush()
                incoming.write(raw.recv(65536))

    until_done(made.do_handshake)
    until_done(lambda: made.write(request("/v1/models")))
    return {"status": int(until_done(lambda: made.read(65536)).split(b" ")[1])}


def resume():
    made, session, resumed = context(), None, 0
    for _ in range(int(sys.argv[4])):
        with connect(made, session) as connection:
            connection.sendall(request("/v1/models"))
            read_all(connection)
            resumed += connection.session_reused
            session = connection.session
    return {"resumed": resumed}


def carry():
    made = context()
    with connect(made) as connection:
        connection.sendall(request("/v1/models"))
        first = int(read_all(connection).split(b" ")[1])
        session = connection.session
    print("first", flush=True)
    await_file("mark")
    try:
        with connect(made, session) as connection:
            connection.sendall(request("/v1/models"))
            data = read_all(connection)
            return {"first": first, "second": int(data.split(b" ")[1]), "resumed": connection.session_reused}
    except OSError as error:
        return {"first": first, "second": None, "why": str(error)}


def load():
    """Eight clients, half of them on one connection; a handshake that begins after the mark is late."""
    lock, seen = threading.Lock(), {"calls": 0, "errors": [], "early": [], "late": []}

    def one(connection):
        connection.sendall(request("/v1/models", close=False))
        data = b""
        while b"}" not in data.partition(b"\r\n\r\n")[2]:
            piece = connection.recv(65536)
            if not piece:
                raise OSError("the connection ended")
            data += piece
        with lock:
            seen["calls"] += data.startswith(b"HTTP/1.1 200 ")

    def client(keeps):
        kept = None
        while not os.path.exists(options["stop"]):
            try:
                is_late = os.path.exists(options["mark"])
                connection = kept or connect()
                if connection is not kept:
                    with lock:
                        seen["late" if is_late else "early"].append(subject_of(connection))
                one(connection)
                kept = connection if keeps else connection.close()
            except OSError as error:
                with lock:
                    seen["errors"].append(str(error))
                return

    threads = [threading.Thread(target=client, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while seen["calls"] < 100 and not seen["errors"]:
        time.sleep(0.01)
    print("called", flush=True)
    for thread in threads:
        thread.join()
    seen["early"], seen["late"] = sorted(set(seen["early"])), sorted(set(seen["late"]))
    return seen


def cut():
    connection = connect()
    connection.sendall(request("/v1/models", close=False))
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
        return {"end": "close_notify", "bytes": len(data)}
    except ssl.SSLEOFError:
        return {"end": "cut", "bytes": len(data)}
    except ConnectionResetError:
        return {"end": "reset", "bytes": len(data)}


def slowly():
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.settimeout(60)
    raw.connect(("127.0.0.1", port))
    connection = connect(raw=raw)
    connection.sendall(request("/v1/models", close=False))
    data = b""
    try:
        while piece := connection.recv(1000):
            data += piece
        end = "close_notify"
    except ssl.SSLEOFError:
        end = "cut"
    except ConnectionResetError:
        end = "reset"
    except ssl.SSLError as error:
        return {"error": str(error)}
    body = without_chunks(data.partition(b"\r\n\r\n")[2])
    numbers = [int(word) for word in body.split(b"#")[1::2]]
    return {"end": end, "bytes": len(body), "in_order": numbers == list(range(len(numbers))),
            "numbers": len(numbers), "event": b"weir: " in body[-2000:]}


def without_chunks(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        body, data = body + data[:int(size, 16)], data[int(size, 16) + 2:]
    return body


def vanish():
    connection = connect()
    connection.sendall(request("/v1/models", close=False))
    connection.recv(100)
    # A socket that is closed while nothing is unread ends with FIN; TLS's own end was not sent.
    connection.close()
    return {"gone": True}


def garbage():
    greeting = hello()
    payloads = {
        "no record": b"\x16" + bytes(range(256)) * 8,
        "a record too long": b"\x16\x03\x01\xff\xff" + b"\1" * 70000,
        "a greeting too long": b"\x16\x03\x01\x40\x00\x01\x10\x00\x00" + b"\0" * 16380
                               + (b"\x16\x03\x01\x40\x00" + b"\0" * 16384) * 64,
        "an empty record": b"\x16\x03\x01\x00\x00" * 100,
        "another message": b"\x16\x03\x03\x00\x04\x14\x00\x00\x00",
        "data before a greeting": b"\x16\x03\x01\x00\x01\x01" + b"\x17\x03\x03\x00\x05hello",
        "alerts without end": b"\x16\x03\x01\x00\x01\x01" + b"\x15\x03\x03\x00\x02\x01\x00" * 2000,
        "two greetings": greeting + greeting,
        "a greeting and garbage": greeting + b"\xff" * 5000,
        "a greeting of SSL 2": b"\x80\x2e\x01\x03\x01" + b"\0" * 60,
        "a greeting of version 0": b"\x16\x00\x00" + greeting[3:],
    }
    ends = {}
    for name, payload in payloads.items():
        with tcp() as connection:
            try:
                connection.sendall(payload)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            try:
                read_all(connection)
                ends[name] = "closed"
            except ConnectionResetError:
                ends[name] = "closed"
            except TimeoutError:
                ends[name] = "open"
    return {"count": len(ends), "open": [name for name, end in ends.items() if end == "open"]}


def hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        made.do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def open_many():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    greeting = hello() if "greeting" in options else b""
    connections = []
    for _ in range(int(options["count"])):
        connection = tcp()
        if greeting:
            connection.sendall(greeting)
        connections.append(connection)
    print("opened", flush=True)
    await_file("stop")
    return {"opened": len(connections)}


def s_client(*more):
    return subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost",
         "-CAfile", authority, *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def renegotiate():
    client = s_client("-tls1_2")
    client.stdin.write(b"R\n")
    client.stdin.flush()
    # The program ends when it is refused; what it reads would end it, too.
    text = client.stdout.read().decode(errors="replace")
    client.wait()
    return {"refused": "no renegotiation" in text, "text": text[-300:]}


def update():
    client, count = s_client("-tls1_3"), 0
    threading.Thread(target=client.stdout.read, daemon=True).start()
    while client.poll() is None and count < 1000:
        try:
            # A line alone is a command.
            client.stdin.write(b"k\n")
            client.stdin.flush()
        except BrokenPipeError:
            break
        count += 1
        time.sleep(0.01)
    client.stdin.close()
    client.wait()
    return {"sent": count}


def early():
    session = options["session"]
    first = s_client("-tls1_3", "-sess_out", session, "-ign_eof")
    seen, _ = first.communicate(request("/v1/models"), timeout=60)
    with open(session + ".data", "wb") as file:
        file.write(request("/v1/models"))
    second = s_client("-tls1_3", "-sess_in", session, "-early_data", session + ".data", "-ign_eof")
    text, _ = second.communicate(request("/v1/models"), timeout=60)
    text = text.decode(errors="replace")
    return {"allowed": "Max Early Data: 0" not in seen.decode(errors="replace"),
            "accepted": "Early data was accepted" in text, "served": text.count("HTTP/1.1 200"),
            "reused": "Reused, TLSv1.3" in text}


def plain():
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request("/v1/models"))
        return {"text": read_all(connection).decode()}


def stall():
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\x16\x03\x01\x02")
        return {"bytes": len(read_all(connection))}


try:
    print(json.dumps(globals()["open_many" if mode == "open" else mode]()), flush=True)
except (ssl.SSLError, OSError) as error:
    print(json.dumps({"error": str(error)}), flush=True)
