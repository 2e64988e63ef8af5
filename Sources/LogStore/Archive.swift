import Primitives

// DESIGN
//
// A backup is a file as tar reads and writes it (ustar, IEEE Std 1003.1): heads of 512 bytes, each
// with a file's bytes behind it, padded to a multiple of that, and two empty heads at the end. The
// last of its files is the checksum of everything before it, without which the copy is not whole.

/// What a backup's file looks like.
enum Archive {
    /// Bytes of a head, and of the units that contents are padded to.
    static let unitBytes = 512
    /// The name of the file with the checksum of all before it.
    static let checksumName = "checksum"
    /// Bytes that are read and written at once.
    static let pieceBytes = 1 << 20

    private static let nameBytesMax = 100
    private static let sizeRange = 124..<136
    private static let checksumRange = 148..<156
    /// What eleven octal digits cannot say.
    private static let octalMax = 1 << 33

    /// Bytes behind a content of so many, up to the next head.
    static func padding(_ count: Int) -> Int { -count & (unitBytes - 1) }

    /// The head of a file.
    static func head(_ name: String, count: Int) -> [UInt8] {
        var head = [UInt8](repeating: 0, count: unitBytes)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { head[offset + index] = byte }
        }
        precondition(name.utf8.count <= nameBytesMax)
        put(name, at: 0)
        put("0000600", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        if count < octalMax {
            put(octal(count, digits: 11), at: sizeRange.lowerBound)
        } else {
            // As all tars do where a file is larger: the number itself, marked by the first bit.
            head[sizeRange.lowerBound] = 0x80
            for index in 0..<8 {
                head[sizeRange.upperBound - 1 - index] =
                    UInt8(truncatingIfNeeded: count >> (8 * index))
            }
        }
        put("00000000000", at: 136)
        // A usual file.
        head[156] = 0x30
        put("ustar\u{0}00", at: 257)
        put(octal(sum(head.span), digits: 6) + "\u{0} ", at: checksumRange.lowerBound)
        return head
    }

    /// The name and the count of a head; nil where it is none.
    static func file(_ head: Span<UInt8>) -> (name: String, count: Int)? {
        guard head.count == unitBytes,
            octal(head.extracting(checksumRange)) == sum(head),
            head.extracting(257..<262).equals("ustar".utf8.span), head[156] == 0x30
        else { return nil }
        let size = head.extracting(sizeRange)
        var count = 0
        if size[0] & 0x80 != 0 {
            for index in size.count - 8..<size.count { count = count << 8 | Int(size[index]) }
        } else {
            guard let number = octal(size) else { return nil }
            count = number
        }
        guard count >= 0 else { return nil }
        let name = head.extracting(0..<nameBytesMax)
        return (name.extracting(0..<(name.firstIndex(of: 0, from: 0) ?? name.count)).text, count)
    }

    /// The sum of a head's bytes, those of the sum itself taken for spaces.
    private static func sum(_ head: Span<UInt8>) -> Int {
        var sum = 0
        for index in head.indices {
            sum += checksumRange.contains(index) ? 0x20 : Int(head[index])
        }
        return sum
    }

    private static func octal(_ number: Int, digits: Int) -> String {
        let text = String(number, radix: 8)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }

    private static func octal(_ bytes: Span<UInt8>) -> Int? {
        var number = 0
        for index in bytes.indices {
            guard 0x30...0x37 ~= bytes[index] else { return index > 0 ? number : nil }
            number = number << 3 | Int(bytes[index] - 0x30)
        }
        return number
    }
}
