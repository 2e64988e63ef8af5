import JSON
public import Primitives

/// Asks a vendor of OpenAI's dialect for the usage of a stream whose client did not.
public enum UsageInjection {
    /// Whether requests of a path know the option: embeddings, responses and the rest do not, or
    /// need none.
    public static func applies(to path: Span<UInt8>) -> Bool {
        path.hasSuffix("/completions")
    }

    /// Appends a body that asks; false, and nothing, for no stream or where the client asks.
    public static func write(_ body: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        guard let ranges = try? Ranges(body), ranges.isStream else { return false }
        func splice(_ range: Range<Int>, _ text: StaticString) {
            output.append(body.extracting(0..<range.lowerBound))
            output.append(text)
            output.append(body.extracting(range.upperBound..<body.count))
        }
        if let flag = ranges.flag {
            if body.extracting(flag).matches("true") { return false }
            splice(flag, "true")
        } else if let options = ranges.options, body[options.lowerBound] == UInt8(ascii: "{") {
            let inner = options.lowerBound + 1
            splice(
                inner..<inner,
                ranges.hasOptions ? "\"include_usage\":true," : "\"include_usage\":true")
        } else if let options = ranges.options {
            splice(options, "{\"include_usage\":true}")
        } else {
            splice(ranges.first..<ranges.first, "\"stream_options\":{\"include_usage\":true},")
        }
        return true
    }

    /// The ranges of the members that matter; of repeated names the last, as in most parsers.
    private struct Ranges {
        /// Behind the opening brace.
        var first = 0
        var isStream = false
        var options: Range<Int>?
        var hasOptions = false
        var flag: Range<Int>?

        init(_ body: Span<UInt8>) throws(JSONScanner.Malformed) {
            var scanner = JSONScanner(body)
            guard try scanner.kind() == .object else { return }
            first = scanner.offset + 1
            var found = self
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                if scanner.isKey(key, "stream_options") {
                    try found.readOptions(&scanner)
                } else {
                    let value = try scanner.value()
                    if scanner.isKey(key, "stream") {
                        found.isStream = scanner.bytes(at: value).matches("true")
                    }
                }
            }
            self = found
        }

        private mutating func readOptions(
            _ scanner: inout JSONScanner
        ) throws(JSONScanner.Malformed) {
            (hasOptions, flag) = (false, nil)
            guard try scanner.kind() == .object else { return options = try scanner.value() }
            let start = scanner.offset
            var found = self
            try scanner.object { (scanner, key) throws(JSONScanner.Malformed) in
                let value = try scanner.value()
                found.hasOptions = true
                if scanner.isKey(key, "include_usage") { found.flag = value }
            }
            self = found
            options = start..<scanner.offset
        }
    }
}

/// Takes the chunk of usage out of a stream of OpenAI's dialect, for a client that did not ask for
/// it; every other byte passes as it came.
///
/// An event passes once it is whole: until its blank line it could be the chunk of usage.
public struct UsageFilter: ~Copyable {
    /// An event larger than this passes unseen, and so does the rest of the stream.
    private static let eventBytesMax = 1 << 20

    private var event = ByteBuffer()
    private var lineBytes = 0
    private var isAfterReturn = false
    /// Whether the last event was dropped; its line feed may be still to come.
    private var isLastDropped = false
    private var isOff = false

    /// A filter at the beginning of a stream.
    public init() {}

    /// Takes a piece and appends what passes.
    public mutating func take(_ bytes: Span<UInt8>, to output: inout ByteBuffer) {
        for index in bytes.indices {
            if isOff { return output.append(bytes.extracting(index..<bytes.count)) }
            let byte = bytes[index]
            if byte == 0x0A, isAfterReturn {
                // The other half of a line's end: with an event that is gone already, or this one.
                isAfterReturn = false
                if event.isEmpty {
                    if !isLastDropped { output.append(byte: byte) }
                } else {
                    event.append(byte: byte)
                }
                continue
            }
            isAfterReturn = byte == 0x0D
            event.append(byte: byte)
            if byte == 0x0A || byte == 0x0D {
                if lineBytes == 0 { endEvent(to: &output) }
                lineBytes = 0
            } else {
                lineBytes += 1
            }
            // In the middle of a line, too: it may have no end.
            if event.count > Self.eventBytesMax {
                isOff = true
                output.append(event.bytes)
                event.release()
            }
        }
    }

    /// The stream has ended: what is left passes.
    public mutating func endStream(to output: inout ByteBuffer) {
        if !isUsage { output.append(event.bytes) }
        event.removeAll()
    }

    private mutating func endEvent(to output: inout ByteBuffer) {
        isLastDropped = isUsage
        if !isLastDropped { output.append(event.bytes) }
        event.removeAll()
    }

    /// Whether the event is a chunk without choices that carries usage.
    private var isUsage: Bool {
        let text = event.bytes
        guard var index = text.firstRange(of: "\"choices\"")?.upperBound else { return false }
        // A look at the first bytes is enough: chunks with choices are not parsed.
        for wanted in [UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]")] {
            while index < text.count, text[index] <= 0x20 { index += 1 }
            guard index < text.count, text[index] == wanted else { return false }
            index += 1
        }
        guard let start = text.firstRange(of: "data:")?.upperBound,
            let root = try? JSONValue(parsing: text.extracting(start..<text.count)),
            case .object? = root["usage"]
        else { return false }
        return root["choices"]?.elements?.isEmpty == true
    }
}
