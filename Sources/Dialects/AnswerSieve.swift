import JSON
import Primitives

// DESIGN
//
// An answer may be of any size: two thousand embeddings, ten pictures in base 64. What a record
// wants of it is small, and may stand at its end. So the bytes pass through once, and only those
// of the members that are read are kept: members that hold content, long texts, and lists of
// numbers are left out. What is kept is JSON again, and the parser of all other texts reads it.

/// Takes JSON that arrives in pieces, and lends each of its values without their bulk.
///
/// Values may follow one another, as on lines of their own, or be the elements of one list. What is
/// no JSON is left alone from its first byte on.
struct AnswerSieve: ~Copyable {
    /// Bytes kept of a value.
    private let bytesMax: Int
    /// Bytes of one text or number kept.
    private static let tokenBytesMax = 64 << 10
    /// As deep as a parser would follow.
    private static let depthMax = JSONScanner.depthMax
    /// Deeper than this nothing is kept.
    private static let keptDepthMax = 40

    private enum State {
        case between, text, escape, scalar
    }

    private let dialect: Dialect
    private var state = State.between
    /// Lists and objects that are open, and whether each is an object, of the outer ones.
    private var depth = 0
    private var objects: UInt64 = 0
    /// Whether each of them has a member already.
    private var filled: UInt64 = 0
    /// The depth in which the value stands that is left out; nil where none is.
    private var leftOut: Int?
    private var isListOfAnswers = false

    private var isKey = false
    private var hasKey = false
    private var key = ByteBuffer()
    private var token = ByteBuffer()
    private var isTokenKept = false
    private var kept = ByteBuffer()

    /// Values that were lent.
    private(set) var valueCount = 0
    /// Whether what came is no JSON.
    private(set) var isForeign = false
    /// Whether more had to be kept than there is room for.
    private(set) var isOverflown = false

    init(dialect: Dialect, bytesMax: Int) {
        self.dialect = dialect
        self.bytesMax = bytesMax
    }

    /// Whether a value, or a list of them, has begun and not ended.
    var isInside: Bool { depth > 0 || state != .between }

    /// Whether all there was is one value, and no list.
    var isWholeAnswer: Bool { valueCount == 1 && !isListOfAnswers && !isInside && !isForeign }

    /// Forgets everything, room included.
    mutating func release() {
        key.release()
        token.release()
        kept.release()
    }

    /// Takes a piece; each value that it completes is lent to the closure.
    mutating func take(_ bytes: Span<UInt8>, _ complete: (Span<UInt8>) -> Void) {
        var index = 0
        while index < bytes.count, !isForeign, !isOverflown {
            switch state {
            case .text: takeText(bytes, &index)
            case .escape:
                keep(bytes.extracting(index..<index + 1))
                index += 1
                state = .text
            case .scalar: takeScalar(bytes, &index)
            case .between:
                takeMark(bytes[index], complete)
                index += 1
            }
        }
    }

    /// Takes a piece that is one whole value, as ``take(_:_:)`` would, without a byte of it
    /// copied but those of its outline; false, and nothing is taken, where it is anything else.
    ///
    /// `templates`: usage objects whose like need not be read.
    mutating func takeWholeValue(
        _ bytes: Span<UInt8>, in outline: inout JSONOutline, _ templates: UsageTemplates?
    ) -> Bool {
        // Within these bounds every token of it would be kept.
        guard valueCount == 0, !isInside, !isForeign, bytes.count <= Self.tokenBytesMax,
            Self.mayBeWhole(bytes)
        else { return false }
        let dialect = dialect
        let isRead = outline.read(
            bytes, depthMax: Self.keptDepthMax, skipping: { dialect.leavesOut($0, $1) },
            elements: { $0 != .object },
            knowing: { name, rest in templates?.count(of: rest, name: name) })
        guard isRead else { return false }
        valueCount = 1
        isListOfAnswers = false
        return true
    }

    /// Whether bytes begin and end as an object does.
    private static func mayBeWhole(_ bytes: Span<UInt8>) -> Bool {
        var (first, last) = (0, bytes.count - 1)
        while first < last, bytes[first] <= 0x20 { first += 1 }
        while last > first, bytes[last] <= 0x20 { last -= 1 }
        return first < last && bytes[first] == UInt8(ascii: "{")
            && bytes[last] == UInt8(ascii: "}")
    }

    // MARK: Texts and numbers

    private mutating func takeText(_ bytes: Span<UInt8>, _ index: inout Int) {
        let end = bytes.firstIndex(
            below: 0, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: index)
        keep(bytes.extracting(index..<end))
        index = end
        guard end < bytes.count else { return }
        index += 1
        keep(bytes.extracting(end..<index))
        if bytes[end] == UInt8(ascii: "\\") { return state = .escape }
        state = .between
        if isKey { endKey() } else { endToken() }
    }

    private mutating func takeScalar(_ bytes: Span<UInt8>, _ index: inout Int) {
        let start = index
        while index < bytes.count, !Self.endsScalar(bytes[index]) { index += 1 }
        keep(bytes.extracting(start..<index))
        guard index < bytes.count else { return }
        state = .between
        endToken()
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"),
            UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: ":"), UInt8(ascii: "\""):
            true
        default: false
        }
    }

    private mutating func keep(_ piece: Span<UInt8>) {
        guard isTokenKept else { return }
        if token.count + piece.count > Self.tokenBytesMax {
            isTokenKept = false
            token.removeAll()
        } else {
            token.append(piece)
        }
    }

    private mutating func endKey() {
        key.removeAll()
        // Under a name without end nothing is looked for.
        hasKey = isTokenKept
        if isTokenKept { key.append(contentsOf: token) }
    }

    private mutating func endToken() {
        guard isTokenKept else { return }
        writeName()
        kept.append(contentsOf: token)
        checkRoom()
    }

    // MARK: Structure

    private func bit(_ depth: Int) -> UInt64 { depth < 64 ? 1 << UInt64(depth) : 0 }

    private var isInObject: Bool { objects & bit(depth) != 0 }

    private mutating func takeMark(_ byte: UInt8, _ complete: (Span<UInt8>) -> Void) {
        switch byte {
        case 0...0x20: break
        case UInt8(ascii: ","):
            isKey = isInObject
            hasKey = false
        case UInt8(ascii: ":"): isKey = false
        case UInt8(ascii: "{"): enter(isObject: true)
        case UInt8(ascii: "["): enter(isObject: false)
        case UInt8(ascii: "}"), UInt8(ascii: "]"): leave(byte, complete)
        // A byte order mark.
        case 0xEF, 0xBB, 0xBF: if depth > 0 || valueCount > 0 { isForeign = true }
        case UInt8(ascii: "\""):
            guard depth > 0 else { return isForeign = true }
            token.removeAll()
            isTokenKept = leftOut == nil && (isKey || isWanted(.string))
            if isTokenKept { token.append(byte: byte) }
            state = .text
        default:
            guard depth > 0, !isKey else { return isForeign = true }
            beginScalar(byte)
        }
    }

    private mutating func beginScalar(_ byte: UInt8) {
        let kind: JSONScanner.Kind =
            switch byte {
            case UInt8(ascii: "n"): .null
            case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
            default: .number
            }
        token.removeAll()
        isTokenKept = leftOut == nil && isWanted(kind)
        if isTokenKept { token.append(byte: byte) }
        state = .scalar
    }

    /// Whether a value that comes next is kept: of lists only the objects are read.
    private func isWanted(_ kind: JSONScanner.Kind) -> Bool {
        guard isInObject else { return kind == .object }
        guard hasKey, key.count >= 2 else { return false }
        return !dialect.leavesOut(key.bytes.extracting(1..<key.count - 1), kind)
    }

    private mutating func enter(isObject: Bool) {
        if depth == 0 {
            isListOfAnswers = !isObject
            kept.removeAll()
        }
        let isAnswer = depth == 0 || depth == 1 && isListOfAnswers
        if leftOut == nil, !isAnswer || depth == 1 && !isObject {
            let isKept = isWanted(isObject ? .object : .array) && depth < Self.keptDepthMax
            if !isKept { leftOut = depth }
        }
        if leftOut == nil, !(depth == 0 && isListOfAnswers) {
            if !isAnswer { writeName() }
            kept.append(byte: isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
            checkRoom()
        }
        depth += 1
        guard depth <= Self.depthMax else { return isForeign = true }
        objects = isObject ? objects | bit(depth) : objects & ~bit(depth)
        filled &= ~bit(depth)
        isKey = isObject
        hasKey = false
    }

    private mutating func leave(_ byte: UInt8, _ complete: (Span<UInt8>) -> Void) {
        let isMatched = depth >= 64 || isInObject == (byte == UInt8(ascii: "}"))
        guard depth > 0, isMatched else { return isForeign = true }
        depth -= 1
        isKey = false
        hasKey = false
        if let start = leftOut {
            if depth == start { leftOut = nil }
            return
        }
        guard !(depth == 0 && isListOfAnswers) else { return valueCount += 1 }
        kept.append(byte: byte)
        guard depth == (isListOfAnswers ? 1 : 0) else { return }
        if !isListOfAnswers { valueCount += 1 }
        complete(kept.bytes)
        kept.removeAll()
    }

    /// Appends what stands before a value: a comma, and its name.
    private mutating func writeName() {
        if filled & bit(depth) != 0 { kept.append(byte: UInt8(ascii: ",")) }
        filled |= bit(depth)
        guard isInObject else { return }
        kept.append(contentsOf: key)
        kept.append(byte: UInt8(ascii: ":"))
    }

    private mutating func checkRoom() {
        guard kept.count > bytesMax else { return }
        isOverflown = true
        release()
    }
}
