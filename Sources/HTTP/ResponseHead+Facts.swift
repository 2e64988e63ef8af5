import Primitives

/// What a response's body is, as far as a gateway cares.
public enum MediaType: Equatable, Sendable {
    /// `text/event-stream`
    case eventStream
    /// `text/html`
    case html
    /// `application/json`, or what is built on it
    case json
    /// Anything else, or nothing said.
    case other
}

extension ResponseHead {
    /// What `Content-Type` says.
    public var mediaType: MediaType {
        for field in fields where field.name == .contentType {
            let value = storage.bytes(field.valueRange)
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
            for field in fields
            where storage.bytes(field.nameRange).matchesIgnoringCase("content-encoding") {
                return storage.bytes(field.valueRange)
            }
            return storage.bytes(0..<0)
        }
    }

    /// Whether a content coding hides the body's text.
    public var isEncoded: Bool {
        for field in fields
        where storage.bytes(field.nameRange).matchesIgnoringCase("content-encoding") {
            if !storage.bytes(field.valueRange).matchesIgnoringCase("identity") { return true }
        }
        return false
    }

    /// The whole number that a field holds; a fraction is rounded up.
    public func decimal(_ name: StaticString) -> Int? {
        for field in fields where storage.bytes(field.nameRange).matchesIgnoringCase(name) {
            let value = storage.bytes(field.valueRange)
            if let whole = value.decimal { return whole }
            guard let point = value.firstIndex(of: UInt8(ascii: ".")),
                let whole = value.extracting(0..<point).decimal,
                let fraction = value.extracting(point + 1..<value.count).decimal
            else { return nil }
            return fraction > 0 ? whole + 1 : whole
        }
        return nil
    }

    /// The date that a field holds, in seconds since 1970.
    public func date(_ name: StaticString) -> Int? {
        for field in fields where storage.bytes(field.nameRange).matchesIgnoringCase(name) {
            return HTTPDate.seconds(storage.bytes(field.valueRange))
        }
        return nil
    }

    /// Whether a field says true or false.
    public func flag(_ name: StaticString) -> Bool? {
        for field in fields where storage.bytes(field.nameRange).matchesIgnoringCase(name) {
            let value = storage.bytes(field.valueRange)
            if value.matchesIgnoringCase("true") { return true }
            if value.matchesIgnoringCase("false") { return false }
        }
        return nil
    }
}
