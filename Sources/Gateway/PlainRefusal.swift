import Primitives
import Reactor
import Telemetry

/// Refusals in plain text, for clients of whose request nothing was read: no dialect is known, and
/// neither the log nor the record has them, since they may come without end.
enum PlainRefusal {
    /// Refuses a client without reading what it wants: even those that are refused are too many.
    static func turnAway(_ descriptor: Int32) {
        var text = ByteBuffer()
        write(
            "503 Service Unavailable", "weir: too many connections now", "retry-after: 1\r\n", &text
        )
        _ = Socket.send(descriptor, from: &text)
        Socket.shutDownWriting(descriptor)
        Socket.close(descriptor)
    }

    /// Counts a new connection to its client's address, and refuses it where that has too many.
    ///
    /// Behind a proxy the address is not known yet, and a client that is turned away has its
    /// refusal already.
    static func turnAwayByAddress(_ client: ClientConnection) {
        guard let addresses = client.worker.settings.admission.addresses,
            !client.isTurnedAway, !client.socket.isProxied,
            !client.socket.takeSeat(of: addresses)
        else { return }
        client.worker.metrics.turnedAway.add()
        if client.socket.isReady {
            answer(
                client, "503 Service Unavailable",
                "weir: too many connections of this address now", "retry-after: 1\r\n")
        } else {
            // Without a handshake a client of TLS could not read why.
            client.socket.breakOff()
            client.close()
        }
    }

    /// The client spoke plain HTTP to a listener for TLS.
    static func wantsTLS(_ client: ClientConnection) {
        answer(
            client, "400 Bad Request",
            "weir: this port speaks TLS only; use https:// in the base URL")
    }

    /// Refuses a client that speaks TLS to a listener for plain HTTP, by its first byte; returns
    /// whether it does.
    static func refusesTLS(_ client: ClientConnection, _ byte: UInt8) -> Bool {
        guard byte == ClientSocket.greeting, client.socket.origin.identity == nil else {
            return false
        }
        client.worker.metrics.tlsOnPlain.add()
        answer(
            client, "400 Bad Request",
            "weir: this port speaks plain HTTP; use http:// in the base URL")
        return true
    }

    private static func answer(
        _ client: ClientConnection, _ status: StaticString, _ text: StaticString,
        _ fields: StaticString = ""
    ) {
        write(status, text, fields, &client.output)
        _ = client.socket.send(from: &client.output)
        client.beginLingering()
    }

    private static func write(
        _ status: StaticString, _ text: StaticString, _ fields: StaticString,
        _ output: inout ByteBuffer
    ) {
        output.append("HTTP/1.1 ")
        output.append(status)
        output.append("\r\ncontent-type: text/plain\r\n")
        output.append(fields)
        output.append(text: "content-length: \(text.utf8CodeUnitCount)\r\n")
        output.append("connection: close\r\n\r\n")
        output.append(text)
    }
}
