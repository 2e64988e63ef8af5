import JSON
public import Primitives

/// The model that a request's body names, and where.
///
/// It is read as loosely as the loosest vendor reads it: a mark before the text, `NaN`, any depth
/// and a body that breaks off are no reason to miss it. A body that two vendors would read
/// differently, with two different models, counts as unreadable.
public struct RequestModel: Equatable, Sendable {
    /// What a body says of its model.
    public enum Finding: Equatable, Sendable {
        /// None is named: a list, a file.
        case none
        /// It names this one.
        case named(String)
        /// It names one, or may, and which is unknown.
        case unreadable(BodyFault)
    }

    /// What was found.
    public let finding: Finding
    /// Where names of the model stand in the body, in its order.
    let ranges: [Range<Int>]
    /// How the body is written.
    let form: Form

    enum Form: Equatable, Sendable {
        case json, multipart, urlEncoded, other
    }

    private init(_ finding: Finding, _ ranges: [Range<Int>] = [], _ form: Form = .other) {
        self.finding = finding
        self.ranges = ranges
        self.form = form
    }

    /// Reads a body, or as much of it as is there, without its content coding.
    public init(_ body: Span<UInt8>, contentType: Span<UInt8>) {
        let type = contentType.mediaType
        // Many servers of models read JSON whatever a body is called.
        if body.firstOfText == UInt8(ascii: "{") {
            self = Self.read(other: body, isJSON: true)
        } else if type.matchesIgnoringCase("multipart/form-data") {
            self = Self.read(multipart: body, contentType)
        } else if type.matchesIgnoringCase("application/x-www-form-urlencoded") {
            self = Self.read(urlEncoded: body)
        } else {
            self = Self.read(other: body, isJSON: type.isJSONType)
        }
    }

    /// A request whose body cannot be looked into.
    public static func unreadable(_ fault: BodyFault) -> RequestModel {
        RequestModel(.unreadable(fault))
    }

    private static func read(other body: Span<UInt8>, isJSON: Bool) -> RequestModel {
        var start = body.hasPrefix("\u{FEFF}") ? 3 : 0
        while start < body.count, body[start] <= 0x20, body[start] != 0 { start += 1 }
        // So far there are only spaces: the first byte after them is still unknown.
        guard start < body.count else {
            return RequestModel(.none, [], body.count > 0 ? .json : .other)
        }
        let isText = body[start] == UInt8(ascii: "{") || body[start] == UInt8(ascii: "[")
        // Two bytes a character, which some parsers accept: the ranges found here would be wrong.
        let isWide = body.count > 1 && (body[0] == 0 || body[1] == 0 || body[0] >= 0xFE)
        let mayBeWide = isWide && body.extracting(0..<min(8, body.count)).holdsOpening
        guard isText, !isWide else {
            return isJSON || mayBeWide
                ? RequestModel(.unreadable("the body is no JSON object in UTF-8"))
                : RequestModel(.none)
        }
        var walk = ModelWalk()
        walk.run(body, from: start)
        if walk.isOfAnotherKind {
            return RequestModel(.unreadable("the model is no text"), walk.ranges, .json)
        }
        let names = walk.ranges.map { range in
            JSONText.unescape(body.extracting(range.lowerBound + 1..<range.upperBound - 1))
        }
        return RequestModel(agreement(names), walk.ranges, .json)
    }

    private static func agreement(_ names: [String]) -> Finding {
        let names = names.map(withoutResource)
        guard let first = names.first else { return .none }
        guard names.allSatisfy({ $0 == first }) else {
            return .unreadable("more than one model is named")
        }
        return .named(first)
    }

    /// A name as paths and chains have it: Gemini's bodies name a model as its resource.
    static func withoutResource(_ name: String) -> String {
        name.hasPrefix("models/") ? String(name.dropFirst(7)) : name
    }

    private static func read(
        multipart body: Span<UInt8>, _ contentType: Span<UInt8>
    ) -> RequestModel {
        guard let form = MultipartForm(contentType) else {
            return RequestModel(.unreadable("the form has no boundary"))
        }
        guard let ranges = form.values(of: "model", in: body) else {
            return RequestModel(.unreadable("the form's parts cannot be separated"))
        }
        guard form.mentions(of: "model", in: body) <= ranges.count else {
            return RequestModel(.unreadable("the form names its model in an unusual way"))
        }
        return RequestModel(
            agreement(ranges.map { body.extracting($0).text }), ranges, .multipart)
    }

    private static func read(urlEncoded body: Span<UInt8>) -> RequestModel {
        var ranges: [Range<Int>] = []
        var start = 0
        while start < body.count {
            let end = body.firstIndex(of: UInt8(ascii: "&"), from: start) ?? body.count
            if let value = modelValue(body.extracting(start..<end)) {
                ranges.append(start + value.lowerBound..<end)
            }
            start = end + 1
        }
        let names = ranges.map { urlDecoded(body.extracting($0)) }
        return RequestModel(agreement(names), ranges, .urlEncoded)
    }

    /// Where the value stands in a field of an encoded form; nil where that names no model.
    static func modelValue(_ field: Span<UInt8>) -> Range<Int>? {
        guard let equals = field.firstIndex(of: UInt8(ascii: "=")),
            field.extracting(0..<equals).percentDecoded().span.matches("model")
        else { return nil }
        return equals + 1..<field.count
    }

    /// A value of an encoded form as text.
    static func urlDecoded(_ value: Span<UInt8>) -> String {
        let plain = value.percentDecoded()
        let spaced = plain.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(decoding: spaced, as: UTF8.self)
    }

    /// Whether a body of this form names a model at all, perhaps further on.
    public var mayNameModel: Bool { form != .other }

    /// Appends a body with another model in every range that names one.
    ///
    /// Returns false, and appends nothing, where there is no such range, or which they are is
    /// unknown.
    public func write(
        _ body: Span<UInt8>, with model: String, to output: inout ByteBuffer
    ) -> Bool {
        guard case .named = finding, !ranges.isEmpty else { return false }
        output.reserve(body.count + ranges.count * (model.utf8.count + 16))
        var start = 0
        for range in ranges {
            output.append(body.extracting(start..<range.lowerBound))
            write(model, replacing: body.extracting(range), to: &output)
            start = range.upperBound
        }
        output.append(body.extracting(start..<body.count))
        return true
    }

    private func write(
        _ model: String, replacing old: Span<UInt8>, to output: inout ByteBuffer
    ) {
        switch form {
        case .json:
            // Gemini's bodies name a model as its resource.
            let isResource = old.hasPrefix("\"models/") && !model.hasPrefix("models/")
            JSONText.append(isResource ? "models/\(model)" : model, to: &output)
        case .urlEncoded:
            for byte in model.utf8 {
                if byte.isUnreserved {
                    output.append(byte: byte)
                } else {
                    output.append(byte: UInt8(ascii: "%"))
                    output.append(byte: byte >> 4 < 10 ? 48 + byte >> 4 : 55 + byte >> 4)
                    output.append(byte: byte & 15 < 10 ? 48 + byte & 15 : 55 + byte & 15)
                }
            }
        case .multipart, .other:
            output.append(text: model)
        }
    }
}

extension Span where Element == UInt8 {
    /// The first byte that is no space and no mark of the byte order; 0 where there is none.
    var firstOfText: UInt8 {
        var start = hasPrefix("\u{FEFF}") ? 3 : 0
        while start < count, self[start] <= 0x20, self[start] != 0 { start += 1 }
        return start < count ? self[start] : 0
    }

    fileprivate var holdsOpening: Bool {
        firstIndex(of: UInt8(ascii: "{")) != nil || firstIndex(of: UInt8(ascii: "[")) != nil
    }

    fileprivate var isJSONType: Bool {
        matchesIgnoringCase("application/json") || matchesIgnoringCase("text/json")
            || count > 5 && extracting(count - 5..<count).matchesIgnoringCase("+json")
    }
}

extension UInt8 {
    fileprivate var isUnreserved: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
