import Support

/// A proxy in front of a vendor that does one thing wrong.
final class WorseGateway: Sendable {
    enum Fault: Sendable, CaseIterable {
        case nothing
        /// A millisecond before each call goes on.
        case sleep
        /// The third event is gone.
        case droppedChunk
        /// The third event comes twice.
        case doubledChunk
        /// The answer is held back until all of it is here.
        case buffered
        /// The last event is gone.
        case lostDone
        /// A stream that breaks off is ended as if it were whole.
        case cleanEnd
        /// A word is another.
        case wrongWord
        /// Two events' texts are in one.
        case merged
        /// Every answer is a refusal.
        case refusal
    }

    private let vendor: ByteVendor
    var port: Int { vendor.port }

    init(_ fault: Fault, vendor port: Int) throws {
        vendor = try ByteVendor { client, _ in
            let upstream = try RawConnection(port: port)
            while true {
                let (head, body) = try client.request()
                if fault == .sleep { try client.rest(milliseconds: 1) }
                if fault == .refusal {
                    try client.send("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}")
                    continue
                }
                try upstream.send(Array(head.utf8) + body)
                guard try Self.relay(from: upstream, to: client, fault) else { return }
            }
        }
    }

    deinit {
        vendor.stop()
    }

    /// Passes one answer on; false where the connection is to be closed.
    private static func relay(
        from upstream: RawConnection, to client: RawConnection, _ fault: Fault
    ) throws -> Bool {
        let head = try upstream.take(through: "\r\n\r\n")
        guard head.lowercased().contains("transfer-encoding: chunked") else {
            let length = head.lowercased().split(separator: "\r\n")
                .first { $0.hasPrefix("content-length:") }?.split(separator: " ").last
            let body = try upstream.take(length.flatMap { Int($0) } ?? 0)
            let text = String(decoding: body, as: UTF8.self)
            let changed = fault == .wrongWord ? text.replacing("The ", with: "A ") : text
            try client.send(
                head.replacing(
                    "ontent-Length: \(body.count)", with: "ontent-Length: \(changed.utf8.count)"
                )
                .replacing(
                    "ontent-length: \(body.count)", with: "ontent-length: \(changed.utf8.count)"))
            try client.send(changed)
            return true
        }
        var held = head
        func give(_ text: String) throws {
            if fault == .buffered { held += text } else { try client.send(text) }
        }
        if fault != .buffered { try client.send(head) }
        var number = 0
        while let piece = try chunk(of: upstream) {
            if piece.isEmpty {
                if fault == .buffered { try client.send(held) }
                try client.send("0\r\n\r\n")
                return true
            }
            for event in events(piece) {
                number += 1
                for text in changed(event, number, fault) { try give(framed(text)) }
            }
        }
        // The vendor broke it off.
        if fault == .buffered { try client.send(held) }
        if fault == .cleanEnd { try client.send("0\r\n\r\n") }
        return fault == .cleanEnd
    }

    private static func framed(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    /// The next chunk; empty at the end, nil where there is none.
    private static func chunk(of upstream: RawConnection) throws -> String? {
        guard let line = try? upstream.take(through: "\r\n"),
            let size = Int(line.filter(\.isHexDigit), radix: 16)
        else { return nil }
        guard size > 0 else {
            _ = try upstream.take(2)
            return ""
        }
        guard let body = try? upstream.take(size), (try? upstream.take(2)) != nil else {
            return nil
        }
        return String(decoding: body, as: UTF8.self)
    }

    private static func events(_ text: String) -> [String] {
        text.split(separator: "\n\n").map { "\($0)\n\n" }
    }

    /// What an event is passed on as.
    private static func changed(_ event: String, _ number: Int, _ fault: Fault) -> [String] {
        switch fault {
        case .droppedChunk where number == 3: []
        case .doubledChunk where number == 3: [event, event]
        case .lostDone where event.contains("[DONE]"): []
        case .wrongWord where number == 2: [event.replacing("The ", with: "A ")]
        case .merged where number == 2: []
        case .merged where number == 3:
            [event.replacing("\"content\":\"", with: "\"content\":\"The ")]
        default: [event]
        }
    }
}

extension RawConnection {
    /// Lets a time pass, as a gateway that waits for nothing would.
    func rest(milliseconds: Int) throws {
        _ = try isEnded(within: Double(milliseconds) / 1000)
    }
}
