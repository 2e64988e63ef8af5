import Primitives

/// The model of a session of OpenAI's realtime API, which its target names:
/// `/v1/realtime?model=…`.
public enum SessionModel {
    private static let parameter: StaticString = "model="

    /// The model that a target names, escapes undone; nil where it names none in its query, or is
    /// no session's.
    public static func name(in target: Span<UInt8>) -> String? {
        guard let range = range(in: target) else { return nil }
        return String(decoding: target.extracting(range).percentDecoded(), as: UTF8.self)
    }

    /// Whether a target names more than one: a vendor may take another than the first, and the
    /// route and the record would speak of the wrong one.
    public static func isAmbiguous(in target: Span<UInt8>) -> Bool {
        guard let question = target.firstIndex(of: UInt8(ascii: "?")),
            let word = target.firstRange(of: "/realtime"), word.upperBound <= question
        else { return false }
        let query = target.extracting(question + 1..<target.count)
        var count = 0
        var start = 0
        while start <= query.count {
            let end = query.firstIndex(of: UInt8(ascii: "&"), from: start) ?? query.count
            let pair = query.extracting(start..<end)
            let equals = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.count
            // A server may undo an escape of the name.
            if pair.extracting(0..<equals).percentDecoded().span.matches("model") { count += 1 }
            start = end + 1
        }
        return count > 1
    }

    /// The model of a session that is known by its target: nothing else stands in its query.
    ///
    /// A session that joins a call, or one that only transcribes, has a model that is named
    /// elsewhere.
    public static func only(in target: Span<UInt8>) -> String? {
        guard let range = range(in: target), range.upperBound == target.count else { return nil }
        let start = range.lowerBound - parameter.utf8CodeUnitCount
        guard target[start - 1] == UInt8(ascii: "?") else { return nil }
        let name = String(decoding: target.extracting(range).percentDecoded(), as: UTF8.self)
        // Some servers take more than an ampersand for the end of a parameter.
        return name.contains(where: { ";&?#+".contains($0) }) ? nil : name
    }

    /// Where the model stands in a target.
    static func range(in target: Span<UInt8>) -> Range<Int>? {
        guard let question = target.firstIndex(of: UInt8(ascii: "?")),
            let word = target.firstRange(of: "/realtime"), word.upperBound <= question
        else { return nil }
        var start = question + 1
        while start < target.count {
            let end = target.firstIndex(of: UInt8(ascii: "&"), from: start) ?? target.count
            if target.extracting(start..<end).hasPrefix(parameter) {
                let value = start + parameter.utf8CodeUnitCount..<end
                return value.isEmpty ? nil : value
            }
            start = end + 1
        }
        return nil
    }

    /// Appends a target with another model in it; false where it names none.
    static func write(
        _ target: Span<UInt8>, model: String, to output: inout ByteBuffer
    ) -> Bool {
        guard let range = range(in: target) else { return false }
        output.append(target.extracting(0..<range.lowerBound))
        output.append(percentEncoding: model)
        output.append(target.extracting(range.upperBound..<target.count))
        return true
    }
}
