import Primitives

/// Why a request cannot be served: the status to answer with, and the reason in words.
public struct Malformation: Error, Equatable, CustomStringConvertible {
    /// 400, 405, 413, 414, 417, 431, 501 or 505.
    public let status: Int
    /// What is wrong with the request.
    public let reason: String

    /// A malformation with its status and reason.
    public init(_ status: Int, _ reason: String) {
        self.status = status
        self.reason = reason
    }

    /// Status and reason.
    public var description: String { "\(status): \(reason)" }
}

extension RequestHead {
    /// Checks that a head which the parser accepted may be forwarded, and sets its framing.
    mutating func validate(firstLineLength: Int) throws(Malformation) {
        // Its answer would repeat the request, credentials of a proxy included.
        guard method != .other("TRACE") else {
            throw Malformation(405, "the method TRACE is not served")
        }
        guard minorVersion <= 1 else { throw Malformation(505, "only HTTP/1.0 and 1.1 are spoken") }
        // The parser skips runs of spaces between the parts of a request line.
        guard firstLineLength == targetEnd + 1 + 1 + "HTTP/1.1".utf8.count else {
            throw Malformation(400, "the request line is not METHOD SP TARGET SP VERSION")
        }
        pathRange = try validatedPath()
        (keepsAlive, expectsContinue) = try validatedFields()
        (contentLength, isChunked) = try validatedFraming()
    }

    /// Finds the path of a head that is refused before it is understood, as far as one was read:
    /// the answer is in the words of that path's API.
    mutating func findPath() {
        guard pathRange.isEmpty else { return }
        if isTargetComplete, let range = try? validatedPath() { return pathRange = range }
        // What is wrong with it stands behind the path, or it was too long to be read whole.
        guard target.hasPrefix("/") else { return }
        var end = 1
        while end < target.count, target[end] > 0x20, target[end] < 0x7F,
            target[end] != UInt8(ascii: "#")
        {
            end += 1
        }
        pathRange = methodEnd..<methodEnd + end
    }

    /// A shorter text is no secret.
    private static var secretBytesMin: Int { 16 }

    /// Takes the method and the target of a line whose method the parser does not know.
    ///
    /// A long method is not kept: it may be a key, and would be written down.
    mutating func readLine(of bytes: Span<UInt8>) {
        guard storage.isEmpty, let space = bytes.firstIndex(of: 0x20) else { return }
        var end = space + 1
        while end < bytes.count, bytes[end] > 0x20 { end += 1 }
        if space < Self.secretBytesMin { storage.append(bytes.extracting(0..<space)) }
        methodEnd = storage.count
        storage.append(bytes.extracting(space + 1..<end))
        targetEnd = storage.count
    }

    private func validatedPath() throws(Malformation) -> Range<Int> {
        let target = self.target
        for index in target.indices {
            let byte = target[index]
            guard byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "#") else {
                throw Malformation(400, "the request target holds a byte that must be escaped")
            }
        }
        if target.hasPrefix("/") {
            return methodEnd..<targetEnd
        }
        var authority = 0
        if target.count > 7, target.extracting(0..<7).matchesIgnoringCase("http://") {
            authority = 7
        } else if target.count > 8, target.extracting(0..<8).matchesIgnoringCase("https://") {
            authority = 8
        } else {
            throw Malformation(400, "the request target is neither a path nor an http URL")
        }
        guard let slash = target.firstIndex(of: UInt8(ascii: "/"), from: authority) else {
            throw Malformation(400, "the request target has no path")
        }
        return methodEnd + slash..<targetEnd
    }

    private func validatedFields() throws(Malformation) -> (keepsAlive: Bool, expects: Bool) {
        var hosts = 0
        var keepsAlive = minorVersion == 1
        var expectsContinue = false
        for index in fields.indices {
            let field = fields[index]
            let value = value(of: field)
            guard !field.nameRange.isEmpty else {
                throw Malformation(400, "a header field has no name")
            }
            switch field.name {
            case .host:
                hosts += 1
                guard value.isAuthority else {
                    throw Malformation(400, "the Host field is not a host")
                }
            case .connection:
                if value.listContains("close") { keepsAlive = false }
                if minorVersion == 0, value.listContains("keep-alive") { keepsAlive = true }
            case .expect:
                guard value.matchesIgnoringCase("100-continue") else {
                    throw Malformation(
                        417, "the Expect field asks for something else than 100-continue")
                }
                expectsContinue = minorVersion == 1
            default:
                break
            }
        }
        guard hosts <= 1 else { throw Malformation(400, "there is more than one Host field") }
        guard hosts == 1 || minorVersion == 0 else {
            throw Malformation(400, "the Host field is missing")
        }
        return (keepsAlive, expectsContinue)
    }

    private func validatedFraming() throws(Malformation) -> (length: Int?, isChunked: Bool) {
        var contentLength: Int?
        var isChunked = false
        var lengths = 0
        var codings = 0
        for index in fields.indices {
            let field = fields[index]
            let value = value(of: field)
            switch field.name {
            case .contentLength:
                lengths += 1
                guard let length = value.decimal else {
                    throw Malformation(400, "the Content-Length is not a number")
                }
                contentLength = length
            case .transferEncoding:
                codings += 1
                guard value.matchesIgnoringCase("chunked") else {
                    throw Malformation(501, "only the transfer coding \"chunked\" is understood")
                }
                isChunked = true
            default:
                break
            }
        }
        guard lengths <= 1 else {
            throw Malformation(400, "there is more than one Content-Length")
        }
        guard codings <= 1 else {
            throw Malformation(400, "there is more than one Transfer-Encoding")
        }
        guard !isChunked || contentLength == nil else {
            throw Malformation(400, "there are both a Content-Length and a Transfer-Encoding")
        }
        guard !isChunked || minorVersion == 1 else {
            throw Malformation(400, "HTTP/1.0 has no Transfer-Encoding")
        }
        return (contentLength, isChunked)
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes can be the `Host` of a request: empty, or a host with an optional port.
    fileprivate var isAuthority: Bool {
        for index in indices {
            switch self[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"),
                UInt8(ascii: "%"), UInt8(ascii: "~"):
                continue
            default:
                return false
            }
        }
        return true
    }
}
