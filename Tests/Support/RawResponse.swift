/// One response, read by a client that trusts nothing.
package struct RawResponse: Sendable {
    package var status = 0
    package var reason = ""
    package var fields: [(name: String, value: String)] = []
    package var body: [UInt8] = []
    /// The sizes of its chunks, without the last one of no bytes.
    package var chunkSizes: [Int] = []
    /// Whether the end that its framing declares was seen.
    package var isWhole = false
    /// Informational heads before the final one.
    package var informational: [Int] = []

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }

    /// The value of a field; nil when there is none.
    ///
    /// Several are joined with a bar, so that a test sees that there were several.
    package subscript(name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: "|")
    }
}

extension RawConnection {
    /// Reads one response to its end, or to the end of the connection.
    package func response(toHead isHead: Bool = false) throws -> RawResponse {
        var response = RawResponse()
        while true {
            let head = try take(through: "\r\n\r\n")
            try parse(head, into: &response)
            guard response.status < 200, response.status != 101 else { break }
            response.informational.append(response.status)
            response.fields = []
        }
        if isHead || response.status == 204 || response.status == 304 {
            response.isWhole = true
        } else if response["transfer-encoding"]?.lowercased() == "chunked" {
            try readChunks(into: &response)
        } else if let length = response["content-length"] {
            guard let length = Int(length) else {
                throw Failure.broken("Content-Length: \(length)")
            }
            try readLength(length, into: &response)
        } else {
            response.body = try takeToEnd()
            response.isWhole = end == .closed
        }
        return response
    }

    /// Sends a request and reads its response.
    package func exchange(_ request: String, isHead: Bool = false) throws -> RawResponse {
        try send(request)
        return try response(toHead: isHead)
    }

    private func parse(_ head: String, into response: inout RawResponse) throws {
        var lines = head.split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init)
        guard !lines.isEmpty, lines[0].hasPrefix("HTTP/1.1 "),
            let status = Int(lines[0].dropFirst(9).prefix(3))
        else { throw Failure.broken("a status line: \(head.prefix(100))") }
        response.status = status
        response.reason = String(lines[0].dropFirst(13))
        lines.removeFirst()
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else {
                throw Failure.broken("a header line: \(line)")
            }
            let value = line[line.index(after: colon)...]
            response.fields.append((String(line[..<colon]), String(value.drop { $0 == " " })))
        }
    }

    private func readLength(_ length: Int, into response: inout RawResponse) throws {
        while received.count < length {
            guard try receiveMore("a body of \(length) bytes") else { break }
        }
        response.body = try take(min(length, received.count))
        response.isWhole = response.body.count == length
    }

    private func readChunks(into response: inout RawResponse) throws {
        while true {
            let line: String
            do {
                line = try take(through: "\r\n")
            } catch Failure.broken {
                // The connection has ended. A wait that has run out is none, and fails the test.
                return
            }
            // CR LF is one character.
            guard let size = Int(line.dropLast(), radix: 16) else {
                throw Failure.broken("a chunk's size: \(line)")
            }
            if size == 0 {
                let end = try take(2)
                guard end == [13, 10] else { throw Failure.broken("a trailer") }
                response.isWhole = true
                return
            }
            while received.count < size + 2 {
                guard try receiveMore("a chunk") else {
                    response.body += received.prefix(size)
                    return
                }
            }
            response.body += try take(size)
            response.chunkSizes.append(size)
            guard try take(2) == [13, 10] else { throw Failure.broken("the end of a chunk") }
        }
    }
}
