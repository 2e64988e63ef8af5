"""A TCP relay that remembers every byte: what an SDK really sent, and what it really got."""

import socket
import threading


class Message:
    """One HTTP message: its first line, its fields in order, its body with the coding removed."""

    def __init__(self, data, is_response):
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.first = lines[0].decode("latin-1")
        self.fields = []
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        coding = self.get("transfer-encoding")
        length = self.get("content-length")
        if coding is not None:
            self.body, self.is_whole = dechunk(rest)
        elif length is not None:
            self.body = rest[: int(length)]
            self.is_whole = len(self.body) == int(length)
        else:
            self.body = rest if is_response else b""
            self.is_whole = True

    def get(self, name):
        for field, value in self.fields:
            if field.lower() == name:
                return value
        return None


def dechunk(data):
    body = b""
    while True:
        line, mark, data = data.partition(b"\r\n")
        if not mark:
            return body, False
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return body, data.startswith(b"\r\n")
        body += data[:size]
        if len(data) < size + 2:
            return body, False
        data = data[size + 2 :]


class Recorder:
    """Relays connections to a port and keeps what passes, one exchange a connection at a time."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sent = b""
        self.received = b""
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def take(self):
        """The request and the response since the last call."""
        with self.lock:
            sent, received = self.sent, self.received
            self.sent = self.received = b""
        return Message(sent, False), Message(received, True)

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            upstream = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, is_request in ((client, upstream, True), (upstream, client, False)):
                threading.Thread(
                    target=self.copy, args=(source, sink, is_request), daemon=True
                ).start()

    def copy(self, source, sink, is_request):
        try:
            while data := source.recv(65536):
                with self.lock:
                    if is_request:
                        self.sent += data
                    else:
                        self.received += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # A reset on one side is the end of both.
            for connection in (source, sink):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
