import Primitives

/// A request's method: the three that matter to framing, and all others by name.
public enum Method: Equatable, Sendable {
    case get, head, post
    case other(String)

    /// The name, as on the request line.
    public var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .other(let name): name
        }
    }

    /// Whether a connection to a server of unknown quality can carry another request after one with
    /// this method.
    ///
    /// Some servers read no body after a GET or a DELETE, and take it for the next request; some
    /// send a body after a HEAD. Either way the next request would get an answer that is not its
    /// own.
    public func leavesConnectionUsable(hasBody: Bool) -> Bool {
        switch self {
        case .post: true
        case .head: false
        case .get: !hasBody
        case .other(let name): !hasBody || name == "PUT" || name == "PATCH"
        }
    }
}

/// The head of a request as it was received: method, target and fields in their order and spelling.
public struct RequestHead: ~Copyable {
    var storage = ByteBuffer()
    var methodEnd = 0
    var targetEnd = 0
    var isTargetComplete = false

    /// The fields in the order they came.
    public internal(set) var fields: ContiguousArray<HeaderField> = []
    /// Fields that hold a credential of the gateway's, by their index.
    ///
    /// They go to no vendor, and are not written down.
    public internal(set) var hiddenFields: [Int] = []
    /// Whether the target holds one.
    public internal(set) var isTargetHidden = false
    /// HTTP/1.x's x.
    public internal(set) var minorVersion = 1
    /// The declared length; nil without one.
    public internal(set) var contentLength: Int?
    /// Whether the body comes in chunks.
    public internal(set) var isChunked = false
    /// Whether the client waits for `100 Continue` before it sends the body.
    public internal(set) var expectsContinue = false
    /// Whether the connection may carry another request after this one.
    public internal(set) var keepsAlive = true
    /// Where path and query begin and end in the target, the scheme and authority of an absolute
    /// form left aside.
    var pathRange = 0..<0

    init() {}

    /// The method.
    public var method: Method {
        let name = storage.bytes(0..<methodEnd)
        if name.matches("POST") { return .post }
        if name.matches("GET") { return .get }
        if name.matches("HEAD") { return .head }
        return .other(name.text)
    }

    /// The target as it stood on the request line.
    public var target: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.bytes(methodEnd..<targetEnd) }
    }

    /// Path and query of the target.
    public var pathAndQuery: Span<UInt8> {
        @_lifetime(borrow self)
        get { storage.bytes(pathRange) }
    }

    /// Whether the body has a content coding.
    public var isEncoded: Bool {
        fields.contains { field in
            field.name == .contentEncoding
                && !storage.bytes(field.valueRange).listsIdentityOnly
        }
    }

    /// The value of a field that is there once, or of the first; empty without one.
    @_lifetime(borrow self)
    public func value(of name: HeaderName) -> Span<UInt8> {
        for field in fields where field.name == name { return value(of: field) }
        return storage.bytes(0..<0)
    }

    /// The values of all fields of a name as one list, as RFC 9110, 5.3 joins them.
    public func list(of name: HeaderName) -> [UInt8] {
        var list: [UInt8] = []
        for field in fields where field.name == name {
            if !list.isEmpty { list.append(UInt8(ascii: ",")) }
            let value = value(of: field)
            for index in value.indices { list.append(value[index]) }
        }
        return list
    }

    /// The path without its query.
    public var path: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let whole = storage.bytes(pathRange)
            let end = whole.firstIndex(of: UInt8(ascii: "?")) ?? whole.count
            return storage.bytes(pathRange.lowerBound..<pathRange.lowerBound + end)
        }
    }

    /// The `Host` field's value; nil without one, as in HTTP/1.0.
    public var host: Span<UInt8>? {
        @_lifetime(borrow self)
        get {
            for field in fields where field.name == .host { return value(of: field) }
            return nil
        }
    }

    /// The authority in a target of absolute form; nil for a target that is a path.
    public var targetAuthority: Span<UInt8>? {
        @_lifetime(borrow self)
        get {
            guard pathRange.lowerBound > methodEnd,
                let colon = target.firstIndex(of: UInt8(ascii: ":"))
            else { return nil }
            return storage.bytes(methodEnd + colon + 3..<pathRange.lowerBound)
        }
    }

    /// The query without its question mark; empty without one.
    public var query: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let whole = storage.bytes(pathRange)
            let mark = whole.firstIndex(of: UInt8(ascii: "?")) ?? whole.count
            return storage.bytes(
                min(pathRange.lowerBound + mark + 1, pathRange.upperBound)..<pathRange.upperBound)
        }
    }

    /// The credential in a field's value, without the word before it that names its scheme.
    @_lifetime(borrow self)
    public func token(of field: HeaderField) -> Span<UInt8> {
        let value = storage.bytes(field.valueRange)
        guard field.name == .authorization || field.name == .weirKey,
            value.startsIgnoringCase("bearer ")
        else {
            return value
        }
        return storage.bytes(field.valueRange.lowerBound + 7..<field.valueRange.upperBound).trimmed
    }

    /// The credential in the `Authorization` field; nil without one.
    public var authorizationToken: Span<UInt8>? {
        @_lifetime(borrow self)
        get {
            for field in fields where field.name == .authorization { return token(of: field) }
            return nil
        }
    }

    /// The name of a field.
    @_lifetime(borrow self)
    public func name(of field: HeaderField) -> Span<UInt8> {
        storage.bytes(field.nameRange)
    }

    /// The value of a field, without spaces around it.
    @_lifetime(borrow self)
    public func value(of field: HeaderField) -> Span<UInt8> {
        storage.bytes(field.valueRange)
    }

    /// Whether a field of this name is there.
    public func has(_ name: HeaderName) -> Bool {
        fields.contains { $0.name == name }
    }

    /// The method as a server may take it: a field asks some for another one.
    public var methodAsked: String {
        for field in fields where field.name == .other && (13...22).contains(field.nameRange.count)
        {
            let name = name(of: field)
            if name.matchesIgnoringCase("x-http-method-override")
                || name.matchesIgnoringCase("x-http-method")
                || name.matchesIgnoringCase("x-method-override")
            {
                return "POST"
            }
        }
        return method.name
    }

    /// Whether the client wants to know where the time went: `x-weir-trace: 1`.
    public var asksForTrace: Bool {
        for field in fields where field.name == .other && field.nameRange.count == 12 {
            if name(of: field).matchesIgnoringCase("x-weir-trace") {
                return value(of: field).matches("1")
            }
        }
        return false
    }

    /// Whether the client asks for a tunnel: for a proxy's, which this is not.
    var isConnect: Bool { storage.bytes(0..<methodEnd).matches("CONNECT") }

    /// Whether the client wants to speak WebSocket from here on, and nothing else: its request is
    /// a handshake, with no meaning by itself (RFC 6455, 4.1).
    ///
    /// Any other offer of a protocol is one that a server may ignore (RFC 9110, 7.8), and so is
    /// this one where `Connection` does not name it, or in HTTP/1.0.
    public var isWebSocketHandshake: Bool {
        guard has(.upgrade), minorVersion == 1, method == .get, connectionLists("upgrade") else {
            return false
        }
        return fields.contains { field in
            field.name == .upgrade && storage.bytes(field.valueRange).listsProtocol("websocket")
        }
    }

    private func connectionLists(_ token: StaticString) -> Bool {
        fields.contains { field in
            field.name == .connection && storage.bytes(field.valueRange).listContains(token)
        }
    }

    /// Whether the request carries a body, be it of no bytes.
    public var hasBody: Bool { contentLength != nil || isChunked }

    /// Whether bytes of a body may follow the head.
    public var mayBringBody: Bool { isChunked || contentLength ?? 0 > 0 }

    mutating func reset() {
        storage.removeAll()
        fields.removeAll(keepingCapacity: true)
        methodEnd = 0
        targetEnd = 0
        isTargetComplete = false
        minorVersion = 1
        contentLength = nil
        isChunked = false
        expectsContinue = false
        keepsAlive = true
        pathRange = 0..<0
        hiddenFields = []
        isTargetHidden = false
    }
}

extension Span where Element == UInt8 {
    /// Whether a list of protocols, some with their versions, holds one in lower case.
    fileprivate func listsProtocol(_ name: StaticString) -> Bool {
        var start = 0
        while start <= count {
            let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
            let item = extracting(start..<end).trimmed
            let length = item.firstIndex(of: UInt8(ascii: "/")) ?? item.count
            if item.extracting(0..<length).matchesIgnoringCase(name) { return true }
            start = end + 1
        }
        return false
    }

    /// Whether a comma-separated list of tokens holds a literal in lower case.
    func listContains(_ token: StaticString) -> Bool {
        var start = 0
        while start <= count {
            let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
            if extracting(start..<end).trimmed.matchesIgnoringCase(token) { return true }
            start = end + 1
        }
        return false
    }
}
