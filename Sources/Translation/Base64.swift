/// Bytes as letters, as RFC 4648 has it.
enum Base64 {
    private static let common = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let address = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The letters of some bytes; for addresses without the filling at the end.
    static func encode(_ bytes: [UInt8], isForAddresses: Bool = false) -> [UInt8] {
        let alphabet = isForAddresses ? address : common
        var output: [UInt8] = []
        output.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var group = UInt32(0)
            for offset in 0..<3 {
                group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0)
            }
            for digit in 0...count {
                output.append(alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)])
            }
            if !isForAddresses {
                output.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count))
            }
        }
        return output
    }

    /// The bytes of letters, of either alphabet; nil where one is neither.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 4 * 3)
        var group = UInt32(0)
        var bits = 0
        for byte in text {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte + 4
            case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                output.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return output
    }

    /// A text in the common alphabet and filled to its end, as most vendors take it alone; nil for
    /// one that is no base64.
    ///
    /// Letters of the alphabet for addresses, missing fillings and white space are mended.
    static func standard(_ text: EscapedText) -> EscapedText? {
        let letters = text.inner
        guard !letters.isEmpty else { return nil }
        var fillings = 0
        var isCommon = true
        for byte in letters {
            switch kinds[Int(byte)] {
            case .letter: if fillings > 0 { return nil }
            case .filling: fillings += 1
            case .other: isCommon = false
            }
            if !isCommon { break }
        }
        if isCommon, letters.count % 4 == 0, fillings <= 2 { return text }
        return mended(text.unescaped)
    }

    private enum Kind {
        case letter, filling, other
    }

    private static let kinds: [Kind] = (0...255 as ClosedRange<UInt8>).map { byte in
        common.contains(byte) ? .letter : byte == UInt8(ascii: "=") ? .filling : .other
    }

    private static func mended(_ text: ArraySlice<UInt8>) -> EscapedText? {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + 2)
        var isEnded = false
        for byte in text {
            switch byte {
            case UInt8(ascii: "="): isEnded = true
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case _ where isEnded: return nil
            case UInt8(ascii: "-"): output.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): output.append(UInt8(ascii: "/"))
            case _ where kinds[Int(byte)] == .letter: output.append(byte)
            default: return nil
            }
        }
        // One letter alone is no byte.
        guard !output.isEmpty, output.count % 4 != 1 else { return nil }
        while output.count % 4 > 0 { output.append(UInt8(ascii: "=")) }
        return EscapedText(inner: output[...])
    }
}
