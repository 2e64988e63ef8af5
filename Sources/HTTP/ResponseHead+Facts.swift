import Primitives

/// The kind of a response's body, as far as a gateway needs it.
public enum MediaType: Equatable, Sendable {
    /// `text/event-stream`
    case eventStream
    /// `text/html`
    case html
    /// `application/json`, or what is built on it
    case json
    /// Any other type, or none.
    case other
}

extension ResponseHead {
    /// What `Content-Type` says.
    func readMediaType() -> MediaType {
        let fields = fields.span
        for index in fields.indices where fields[index].name == .contentType {
            let value = storage.bytes(fields[index].valueRange)
            let end = value.firstIndex(of: UInt8(ascii: ";")) ?? value.count
            let type = value.extracting(0..<end).trimmed
            if type.matchesIgnoringCase("text/event-stream") { return .eventStream }
            if type.matchesIgnoringCase("text/html") { return .html }
            if type.matchesIgnoringCase("application/json") { return .json }
        }
        return .other
    }

    /// The content coding that hides the body's text; empty without one.
    public var encoding: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let fields = fields.span
            for index in fields.indices where fields[index].name == .contentEncoding {
                return storage.bytes(fields[index].valueRange)
            }
            return storage.bytes(0..<0)
        }
    }

    /// The extensions of a WebSocket that the vendor has agreed to, as one list; empty without any.
    public var webSocketExtensions: String {
        var list: [String] = []
        for field in fields where field.name == .other {
            guard storage.bytes(field.nameRange).matchesIgnoringCase("sec-websocket-extensions")
            else { continue }
            list.append(storage.bytes(field.valueRange).text)
        }
        return list.joined(separator: ",")
    }

    /// The content codings of all fields, as one list.
    public var codings: [UInt8] {
        var list: [UInt8] = []
        for field in fields where field.name == .contentEncoding {
            if !list.isEmpty { list.append(UInt8(ascii: ",")) }
            let value = storage.bytes(field.valueRange)
            for index in value.indices { list.append(value[index]) }
        }
        return list
    }

    /// Whether a content coding hides the body's text.
    public var isEncoded: Bool {
        let fields = fields.span
        for index in fields.indices where fields[index].name == .contentEncoding {
            let value = storage.bytes(fields[index].valueRange)
            if !value.listsIdentityOnly { return true }
        }
        return false
    }

    /// The whole number that a field holds; a fraction is rounded up.
    public func decimal(_ name: StaticString) -> Int? {
        guard let value = value(of: name) else { return nil }
        if let whole = value.decimal { return whole }
        guard let point = value.firstIndex(of: UInt8(ascii: ".")),
            let whole = value.extracting(0..<point).decimal,
            let fraction = value.extracting(point + 1..<value.count).decimal
        else { return nil }
        return fraction > 0 ? whole + 1 : whole
    }

    /// The date that a field holds, in seconds since 1970.
    public func date(_ name: StaticString) -> Int? {
        guard let value = value(of: name) else { return nil }
        return HTTPDate.seconds(value)
    }

    /// Whether a field says true or false.
    public func flag(_ name: StaticString) -> Bool? {
        let fields = fields.span
        for index in fields.indices where has(name, at: index) {
            let value = storage.bytes(fields[index].valueRange)
            if value.matchesIgnoringCase("true") { return true }
            if value.matchesIgnoringCase("false") { return false }
        }
        return nil
    }

    // Fields are asked for a dozen times a response. A loop over the list itself would hold a
    // reference to it each time.
    @_lifetime(borrow self)
    private func value(of name: StaticString) -> Span<UInt8>? {
        let fields = fields.span
        for index in fields.indices where has(name, at: index) {
            return storage.bytes(fields[index].valueRange)
        }
        return nil
    }

    private func has(_ name: StaticString, at index: Int) -> Bool {
        storage.bytes(fields[index].nameRange).matchesIgnoringCase(name)
    }
}
