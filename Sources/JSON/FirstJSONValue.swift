/// Finds the end of the first JSON object of a text that comes in pieces; of an array, the first
/// object in it.
///
/// It counts braces outside of strings, once for each byte, and checks nothing else: what is whole
/// by it need not be JSON.
public struct FirstJSONValue {
    /// What the bytes so far are.
    public enum Finding: Equatable, Sendable {
        /// Spaces, or an object that goes on.
        case undecided
        /// The object is whole, see ``range``; or there is none in an array, and it is empty.
        case whole
        /// No object.
        case other
    }

    /// What was found so far.
    public private(set) var finding = Finding.undecided
    /// Where the object stands among all bytes taken.
    public private(set) var range = 0..<0

    private var offset = 0
    private var depth = 0
    private var isInArray = false
    private var isInString = false
    private var isEscaped = false

    /// A finder at the start of a text.
    public init() {}

    /// Takes the next bytes.
    public mutating func take(_ bytes: Span<UInt8>) {
        for index in bytes.indices {
            guard finding == .undecided else { return }
            if depth == 0 { begin(bytes[index]) } else { goOn(bytes[index]) }
            offset += 1
        }
    }

    private mutating func begin(_ byte: UInt8) {
        switch byte {
        case 0x20, 0x09, 0x0A, 0x0D: break
        case UInt8(ascii: "["):
            if isInArray { finding = .other }
            isInArray = true
        case UInt8(ascii: "]") where isInArray: finding = .whole
        case UInt8(ascii: "{"):
            range = offset..<offset
            depth = 1
        default: finding = .other
        }
    }

    private mutating func goOn(_ byte: UInt8) {
        if isInString {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
            }
            return
        }
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            depth -= 1
            if depth == 0 {
                range = range.lowerBound..<offset + 1
                finding = .whole
            }
        default: break
        }
    }
}
