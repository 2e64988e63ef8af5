"""A client of the gateway over TLS, for what a client of the suite's own cannot do. Prints one line of JSON.

    client.py get PORT CA [name=HOST] [version=1.2|1.3] [alpn=a,b] [cert=FILE key=FILE] [path=/…]
    client.py drip PORT CA            the handshake byte by byte, then a request
    client.py resume PORT CA COUNT    so many connections, each with the session of the one before
    client.py cut PORT CA             reads a stream to its end, and says how the connection ended
    client.py plain PORT              HTTP without TLS
    client.py stall PORT              the beginning of a greeting, and then nothing
"""

import json
import socket
import ssl
import sys

mode, port = sys.argv[1], int(sys.argv[2])
authority = sys.argv[3] if len(sys.argv) > 3 else None
options = dict(word.split("=", 1) for word in sys.argv[4:] if "=" in word)


def context():
    made = ssl.create_default_context(cafile=authority)
    made.check_hostname = "name" in options
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


def connect(made=None, session=None):
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    return (made or context()).wrap_socket(
        raw, server_hostname=options.get("name", "localhost"), session=session,
        suppress_ragged_eofs=False)


def get():
    with connect() as connection:
        connection.sendall(request(options.get("path", "/v1/models")))
        data = read_all(connection)
        subject = dict(pair[0] for pair in connection.getpeercert()["subject"])
        return {"status": int(data.split(b" ")[1]), "version": connection.version(),
                "alpn": connection.selected_alpn_protocol(), "subject": subject["commonName"]}


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


def plain():
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request("/v1/models"))
        return {"text": read_all(connection).decode()}


def stall():
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"\x16\x03\x01\x02")
        return {"bytes": len(read_all(connection))}


try:
    print(json.dumps(globals()[mode]()), flush=True)
except (ssl.SSLError, OSError) as error:
    print(json.dumps({"error": str(error)}), flush=True)
