import JSON
import Primitives

/// Walks over any JSON, in one pass and without a stack, and collects the ranges that name a
/// model: `model`, and its names in batches, sessions and counts of tokens.
struct ModelWalk {
    /// The names that lead to a model.
    private enum Key {
        case model, session, source, requests, params, counted
        /// A batch of Gemini's, and what leads down to its requests.
        case batch, input, request
        /// An element of a list.
        case element
        case other
    }

    /// Deeper than this no API names its model.
    private static let depthMax = 7

    private(set) var ranges: [Range<Int>] = []
    /// The first range, of a walk that looks for no other.
    private(set) var first: Range<Int>?
    /// Whether the value has ended: no vendor reads what follows it.
    private(set) var isAtEnd = false
    /// Whether a model's value is something else than text.
    private(set) var isOfAnotherKind = false

    private let isFirstEnough: Bool
    private var depth = 0
    private var isObject: InlineArray<8, Bool> = .init(repeating: false)
    private var keys: InlineArray<8, Key> = .init(repeating: .other)
    private var expectsKey = false

    /// A walk that has not begun; `isFirstEnough`: it ends at the first model, see ``first``.
    init(isFirstEnough: Bool = false) {
        self.isFirstEnough = isFirstEnough
    }

    /// Walks from a byte of a value, at first its first one, to its end, or to the end of the text.
    ///
    /// Returns how far it came: to a string that the text breaks off, where there is one. With more
    /// text it goes on from there.
    @discardableResult
    mutating func run(_ text: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""):
                guard let end = Self.endOfString(text, from: index + 1) else { return index }
                takeString(text, index..<end)
                index = end
                if first != nil { return index }
                continue
            case UInt8(ascii: "{"): enter(isObject: true)
            case UInt8(ascii: "["): enter(isObject: false)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                expectsKey = false
                isAtEnd = depth <= 0
                if isAtEnd { return index + 1 }
            case UInt8(ascii: ","):
                if depth <= Self.depthMax, isObject[depth] {
                    expectsKey = true
                    keys[depth] = .other
                }
            case UInt8(ascii: ":"):
                expectsKey = false
                checkKind(text, after: index + 1)
            default: break
            }
            index += 1
        }
        return text.count
    }

    /// The index behind the quote that ends a string, some of whose bytes begin at an index; nil
    /// where the text breaks it off.
    static func endOfString(_ text: Span<UInt8>, from offset: Int) -> Int? {
        var index = offset
        while index < text.count {
            index = text.firstIndex(
                below: 0, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: index)
            guard index < text.count else { return nil }
            if text[index] == UInt8(ascii: "\"") { return index + 1 }
            index += 2
        }
        return nil
    }

    private mutating func enter(isObject: Bool) {
        if depth <= Self.depthMax, depth > 0, !self.isObject[depth] { keys[depth] = .element }
        depth += 1
        expectsKey = isObject
        guard depth <= Self.depthMax else { return }
        self.isObject[depth] = isObject
        keys[depth] = .other
    }

    private mutating func takeString(_ text: Span<UInt8>, _ range: Range<Int>) {
        guard depth > 0, depth <= Self.depthMax, isObject[depth] else { return }
        if expectsKey {
            keys[depth] = Self.key(text.extracting(range))
        } else if keys[depth] == .model, namesModel {
            if isFirstEnough { first = range } else { ranges.append(range) }
        }
    }

    /// Whether the keys down to here lead to a model.
    private var namesModel: Bool {
        switch depth {
        case 1: true
        case 2:
            keys[1] == .session || keys[1] == .counted || keys[1] == .source || keys[1] == .batch
        case 3: keys[1] == .requests && keys[2] == .element
        case 4: keys[1] == .requests && keys[2] == .element && keys[3] == .params
        case 7:
            keys[1] == .batch && keys[2] == .input && keys[3] == .requests
                && keys[4] == .requests && keys[5] == .element && keys[6] == .request
        default: false
        }
    }

    private mutating func checkKind(_ text: Span<UInt8>, after offset: Int) {
        guard depth > 0, depth <= Self.depthMax, isObject[depth], keys[depth] == .model, namesModel
        else { return }
        var index = offset
        while index < text.count, text[index] <= 0x20 { index += 1 }
        guard index < text.count else { return }
        // `null` names no model: the vendor uses its default.
        let isText = text[index] == UInt8(ascii: "\"")
        if !isText, !text.has("null", at: index) { isOfAnotherKind = true }
    }

    /// Some parsers compare names without their case, so that `Model` is one, too.
    private static func key(_ quoted: Span<UInt8>) -> Key {
        guard quoted.count >= 7 else { return .other }
        let inner = quoted.extracting(1..<quoted.count - 1)
        if inner.firstIndex(of: UInt8(ascii: "\\")) != nil {
            // At most six bytes a letter.
            guard inner.count <= 6 * 32 else { return .other }
            let plain = JSONText.unescape(inner)
            // A reader in C ends a name at a NUL.
            let name = plain.utf8.span
            return known(name.extracting(0..<(name.firstIndex(of: 0) ?? name.count)))
        }
        return known(inner)
    }

    private static func known(_ name: Span<UInt8>) -> Key {
        switch name.count {
        case 5:
            if name.matchesIgnoringCase("batch") { return .batch }
            return name.matchesIgnoringCase("model") ? .model : .other
        case 6: return name.matchesIgnoringCase("params") ? .params : .other
        case 7:
            if name.matchesIgnoringCase("request") { return .request }
            return name.matchesIgnoringCase("session") ? .session : .other
        case 8: return name.matchesIgnoringCase("requests") ? .requests : .other
        case 11:
            if name.matchesIgnoringCase("data_source") { return .source }
            return name.matchesIgnoringCase("inputconfig") ? .input : .other
        case 12: return name.matchesIgnoringCase("input_config") ? .input : .other
        case 22: return name.matchesIgnoringCase("generatecontentrequest") ? .counted : .other
        default: return .other
        }
    }
}
