import Codings
import JSON
import Primitives

// DESIGN
//
// A record says which model was asked for, wherever the body names it, and a body may be longer
// than memory allows. So the body is read piece by piece, and of what was read only the end is kept
// that cannot be understood without the bytes behind it. The first name is taken: the routing reads
// kept bodies as a whole and refuses those that name two, and here the reading ends at once for
// nearly every body, because clients write the model first.

/// Finds the first model that a request's body names, piece by piece and in bounded memory.
public struct ModelScan {
    /// Bytes of a key or a name at most that are kept for the next piece.
    private static let tokenBytesMax = 4 << 10

    private enum Form {
        /// So far there are only spaces.
        case unknown
        case json
        case multipart(MultipartScan)
        case urlEncoded
    }

    /// The first model; nil as long as none is known.
    public private(set) var name: String?
    /// Whether no more bytes can change that.
    public private(set) var isOver = false

    private let contentType: [UInt8]
    private let decoder: ContentDecoder?
    private var form = Form.unknown
    private var walk = ModelWalk(isFirstEnough: true)
    /// The end of the bytes so far that is read with the next piece.
    private var rest: [UInt8] = []
    /// Whether the bytes so far end inside a text, or a field, that is too long to name a model.
    private var isInLongToken = false
    /// Whether they end with a backslash there.
    private var isEscaped = false

    /// A scan of a body with these header fields that has not begun.
    public init(contentType: Span<UInt8>, contentEncoding: Span<UInt8>) {
        self.contentType = Array(contentType)
        decoder = ContentDecoder(contentEncoding)
        // A coding that is not known here hides everything.
        isOver = decoder == nil && !ContentDecoder.isIdentity(contentEncoding)
    }

    /// A scan of JSON without a content coding.
    public init() {
        contentType = []
        decoder = nil
    }

    /// Whether a body is JSON, and in no content coding: no coding makes of such a text one that
    /// begins like it.
    public static func isPlainJSON(_ body: Span<UInt8>) -> Bool {
        body.count > 0 && body[0] == UInt8(ascii: "{")
    }

    /// Takes the next bytes of the body.
    public mutating func take(_ bytes: Span<UInt8>) {
        guard !isOver else { return }
        guard let decoder else { return takePlain(bytes) }
        let isReadable = decoder.decode(bytes) { takePlain($0) }
        if !isReadable || decoder.isAtEnd { end() }
    }

    /// The body is at its end.
    public mutating func end() {
        let last = rest
        rest = []
        if !isOver, case .urlEncoded = form, !isInLongToken { takeField(last.span) }
        isOver = true
    }

    private mutating func takePlain(_ bytes: Span<UInt8>) {
        guard !isOver else { return }
        if case .unknown = form { detectForm(bytes) }
        guard !isOver, bytes.count > 0 else { return }
        if isInLongToken {
            guard let start = endOfLongToken(bytes) else { return }
            isInLongToken = false
            return read(bytes.extracting(start..<bytes.count))
        }
        guard !rest.isEmpty else { return read(bytes) }
        rest.append(bytes)
        let joined = rest
        rest = []
        read(joined.span)
    }

    private mutating func detectForm(_ bytes: Span<UInt8>) {
        var index = 0
        // Spaces, and the three bytes of a mark of the byte order.
        while index < bytes.count,
            bytes[index] <= 0x20 || [0xEF, 0xBB, 0xBF].contains(bytes[index])
        {
            index += 1
        }
        guard index < bytes.count else { return }
        let contentType = contentType
        let type = contentType.span.mediaType
        // Many servers of models read JSON whatever a body is called.
        if bytes[index] == UInt8(ascii: "{") {
            form = .json
        } else if type.matchesIgnoringCase("multipart/form-data") {
            let parts = MultipartForm(contentType.span).map(MultipartScan.init)
            isOver = parts == nil
            if let parts { form = .multipart(parts) }
        } else if type.matchesIgnoringCase("application/x-www-form-urlencoded") {
            form = .urlEncoded
        } else {
            isOver = true
        }
    }

    private mutating func read(_ bytes: Span<UInt8>) {
        switch form {
        case .unknown: break
        case .json:
            let end = walk.run(bytes, from: 0)
            isOver = walk.isAtEnd || walk.first != nil
            if let range = walk.first {
                let text = bytes.extracting(range.lowerBound + 1..<range.upperBound - 1)
                name = RequestModel.withoutResource(JSONText.unescape(text))
            } else if !isOver {
                keep(bytes, from: end)
            }
        case .multipart(var parts):
            let end = parts.take(bytes)
            name = parts.name
            isOver = parts.isOver
            form = .multipart(parts)
            if !isOver { rest.append(bytes.extracting(end..<bytes.count)) }
        case .urlEncoded:
            var start = 0
            while !isOver, let end = bytes.firstIndex(of: UInt8(ascii: "&"), from: start) {
                takeField(bytes.extracting(start..<end))
                start = end + 1
            }
            if !isOver { keep(bytes, from: start) }
        }
    }

    private mutating func takeField(_ field: Span<UInt8>) {
        guard let value = RequestModel.modelValue(field) else { return }
        name = RequestModel.urlDecoded(field.extracting(value))
        isOver = true
    }

    /// Keeps the bytes of a token that breaks off, or remembers that it is too long.
    private mutating func keep(_ bytes: Span<UInt8>, from start: Int) {
        guard bytes.count - start > Self.tokenBytesMax else {
            return rest.append(bytes.extracting(start..<bytes.count))
        }
        isInLongToken = true
        isEscaped = Self.endsEscaped(bytes, from: start)
    }

    /// Whether an odd number of backslashes stands at the end of the bytes from an index on.
    private static func endsEscaped(_ bytes: Span<UInt8>, from start: Int) -> Bool {
        var index = bytes.count
        while index > start, bytes[index - 1] == UInt8(ascii: "\\") { index -= 1 }
        return (bytes.count - index) % 2 == 1
    }

    /// The index at which the reading goes on behind a token that was too long; nil where it goes
    /// on.
    private mutating func endOfLongToken(_ bytes: Span<UInt8>) -> Int? {
        if case .urlEncoded = form {
            // The separator ends the field, whose name is not known any more.
            return bytes.firstIndex(of: UInt8(ascii: "&")).map { $0 + 1 }
        }
        let start = isEscaped ? 1 : 0
        if let end = ModelWalk.endOfString(bytes, from: start) { return end }
        isEscaped = Self.endsEscaped(bytes, from: start)
        return nil
    }
}

@available(*, unavailable)
extension ModelScan: Sendable {}

extension Span where Element == UInt8 {
    /// The type of a `Content-Type`, without its parameters.
    var mediaType: Span<UInt8> {
        @_lifetime(copy self)
        get { extracting(0..<(firstIndex(of: UInt8(ascii: ";")) ?? count)).trimmed }
    }
}
