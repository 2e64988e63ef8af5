import JSON
import Primitives

/// Walks over a request's body as it comes in pieces, and collects what names its session.
///
/// The walk keeps no more than one key and one value: prompts pass by, mostly as long strings of
/// which only the end is looked for. It ends at the first byte that shows that the body is no JSON
/// object, such as that of an encoded one.
struct BodyNames {
    /// The members that may name the session; of several the first in this order counts.
    private enum Key: Int, CaseIterable {
        /// `metadata.user_id` of Claude Code, which holds a session.
        case user
        /// `client_metadata.session_id`, `session_id`, `metadata.session_id`.
        case clientSession, session, metadataSession
        /// `prompt_cache_key`: agents use their session's name for it.
        case cacheKey
    }

    private enum Container {
        case metadata, clientMetadata, other
    }

    /// Bytes of a key or a value that are kept at most.
    private static let tokenBytesMax = 1024

    private var depth = 0
    private var container = Container.other
    private var key: Key?
    private var expectsKey = false
    private var isInString = false
    private var isEscaped = false
    private var isKept = false
    private var token: [UInt8] = []
    private var isDone = false
    /// The member that ``session`` is from.
    private var found: Key?

    /// Whether a piece was taken.
    private(set) var hasBegun = false
    /// The name; nil while none is found.
    private(set) var session: String?

    /// Takes the next piece.
    mutating func take(_ bytes: Span<UInt8>) {
        hasBegun = true
        var index = 0
        while index < bytes.count, !isDone {
            if isInString {
                index = takeString(bytes, from: index)
            } else {
                takeByte(bytes[index])
                index += 1
            }
        }
    }

    /// Takes no more.
    mutating func end() {
        isDone = true
        token = []
    }

    private mutating func takeString(_ bytes: Span<UInt8>, from start: Int) -> Int {
        if isEscaped {
            isEscaped = false
            keep(bytes.extracting(start..<start + 1))
            return start + 1
        }
        let end = bytes.firstIndex(
            below: 0, or: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), from: start)
        guard end < bytes.count else {
            keep(bytes.extracting(start..<end))
            return end
        }
        if bytes[end] == UInt8(ascii: "\\") {
            isEscaped = true
            keep(bytes.extracting(start..<end + 1))
        } else {
            keep(bytes.extracting(start..<end))
            isInString = false
            endString()
        }
        return end + 1
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        guard isKept else { return }
        // What is longer is neither a key nor a name.
        guard token.count + bytes.count <= Self.tokenBytesMax else { return isKept = false }
        token.append(bytes)
    }

    private mutating func takeByte(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""):
            guard depth > 0 else { return end() }
            isInString = true
            token.removeAll(keepingCapacity: true)
            isKept = expectsKey || key != nil
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            enter(isObject: byte == UInt8(ascii: "{"))
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            expectsKey = false
            key = nil
            if depth == 1 { container = .other }
            if depth <= 0 { end() }
        case UInt8(ascii: ","):
            key = nil
            expectsKey = depth == 1 || isInContainer
        case UInt8(ascii: ":"): expectsKey = false
        case 0x20, 0x09, 0x0A, 0x0D: break
        default: if depth == 0 { end() }
        }
    }

    private var isInContainer: Bool { depth == 2 && container != .other }

    private mutating func enter(isObject: Bool) {
        guard depth > 0 || isObject else { return end() }
        depth += 1
        key = nil
        if depth == 2, !isObject { container = .other }
        expectsKey = isObject && (depth == 1 || isInContainer)
    }

    private mutating func endString() {
        let text = token
        if expectsKey {
            expectsKey = false
            if isKept { takeKey(text.span) }
        } else if let key, isKept {
            self.key = nil
            takeValue(text.span, of: key)
        }
    }

    private mutating func takeKey(_ name: Span<UInt8>) {
        key = nil
        if depth == 1 {
            container = .other
            if name.matches("metadata") { container = .metadata }
            if name.matches("client_metadata") { container = .clientMetadata }
            if name.matches("session_id") { key = .session }
            if name.matches("prompt_cache_key") { key = .cacheKey }
        } else if container == .metadata {
            if name.matches("user_id") { key = .user }
            if name.matches("session_id") { key = .metadataSession }
        } else if name.matches("session_id") {
            key = .clientSession
        }
    }

    private mutating func takeValue(_ quoted: Span<UInt8>, of key: Key) {
        if let found, found.rawValue <= key.rawValue { return }
        let text = JSONText.unescape(quoted)
        let name = key == .user ? Self.session(ofUser: text) : text
        guard let name, !name.isEmpty else { return }
        (session, found) = (name, key)
        if key == .user { end() }
    }

    /// The session in Claude Code's name of a user: JSON with a `session_id`, or in older versions
    /// `user_…_account_…_session_ID`.
    private static func session(ofUser text: String) -> String? {
        if text.hasPrefix("{") {
            // A user's name of another client's may begin like JSON and be none.
            return (try? JSONValue(parsing: text))?["session_id"]?.text
        }
        guard text.hasPrefix("user_"),
            let start = text.utf8.ranges(of: "_session_".utf8).last?.upperBound
        else { return nil }
        return String(text[start...])
    }
}
