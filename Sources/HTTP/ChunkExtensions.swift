import Primitives

/// The extensions behind a chunk's size, from bytes cut anywhere.
///
/// They mean nothing to a gateway and are dropped. Their grammar is held to the letter all the
/// same (RFC 9112, 7.1.1): where two recipients see the end of this line at different bytes, one
/// of them reads a request that the other does not. llhttp 8 refuses escaped quotes and the spaces
/// that a recipient must accept here, so the parser keeps these bytes from it.
struct ChunkExtensions {
    /// How far some bytes led.
    enum Progress: Equatable {
        /// All of the bytes are read, and the line is not at its end.
        case open
        /// The line's CR stands at this index.
        case complete(Int)
        /// The byte at this index cannot stand there.
        case malformed(Int)
    }

    private enum State {
        /// Behind the size, or behind a value: spaces, then a semicolon.
        case beforeSemicolon
        case beforeName
        case name
        case afterName
        case beforeValue
        case value
        case quoted
        case escaped
        /// Right behind a value in quotes.
        case afterQuoted
    }

    private var state = State.beforeSemicolon

    /// Reads bytes from `start` on, which follow those of the call before.
    mutating func read(_ bytes: Span<UInt8>, from start: Int) -> Progress {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0x0D, mayEnd { return .complete(index) }
            guard accept(byte) else { return .malformed(index) }
            index += 1
        }
        return .open
    }

    /// Whether the line may end here: not behind a semicolon, a sign of equality or a space.
    private var mayEnd: Bool {
        switch state {
        case .name, .value, .afterQuoted: true
        case .beforeSemicolon, .beforeName, .afterName, .beforeValue, .quoted, .escaped: false
        }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        let isSpace = byte == 0x20 || byte == 0x09
        switch state {
        case .quoted, .escaped: return acceptQuoted(byte)
        case .beforeSemicolon where isSpace, .beforeName where isSpace, .afterName where isSpace,
            .beforeValue where isSpace:
            return true
        case .beforeName where byte.isTokenByte, .name where byte.isTokenByte: state = .name
        case .beforeValue where byte.isTokenByte, .value where byte.isTokenByte: state = .value
        case .beforeValue where byte == UInt8(ascii: "\""): state = .quoted
        case .name where isSpace: state = .afterName
        case .value where isSpace, .afterQuoted where isSpace: state = .beforeSemicolon
        case .name where byte == UInt8(ascii: "="), .afterName where byte == UInt8(ascii: "="):
            state = .beforeValue
        case .beforeSemicolon, .name, .afterName, .value, .afterQuoted:
            guard byte == UInt8(ascii: ";") else { return false }
            state = .beforeName
        case .beforeName, .beforeValue: return false
        }
        return true
    }

    private mutating func acceptQuoted(_ byte: UInt8) -> Bool {
        guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { return false }
        switch (state, byte) {
        case (.escaped, _): state = .quoted
        case (_, UInt8(ascii: "\"")): state = .afterQuoted
        case (_, UInt8(ascii: "\\")): state = .escaped
        default: break
        }
        return true
    }
}

extension UInt8 {
    /// Whether a byte may stand in a token (RFC 9110, 5.6.2).
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }

    /// Whether a byte is a digit of a chunk's size.
    var isHexDigit: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default:
            false
        }
    }
}
