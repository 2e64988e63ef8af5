import Primitives
import Testing

@Suite("Scanning")
struct ScanTests {
    private static func expected(
        _ bytes: [UInt8], _ bound: UInt8, _ one: UInt8, _ other: UInt8, from offset: Int
    ) -> Int {
        bytes[offset...].firstIndex { $0 < bound || $0 == one || $0 == other } ?? bytes.count
    }

    @Test("finds what a byte by byte search finds, for every byte at every offset of a word")
    func everyByte() {
        for bound: UInt8 in [0, 1, 0x20, 0x21, 0x7F, 0x80] {
            for byte in UInt8.min...UInt8.max {
                for index in 0..<25 {
                    var bytes = [UInt8](repeating: 0xFF, count: 25)
                    bytes[index] = byte
                    let found = bytes.span.firstIndex(below: bound, or: 0x7F, or: 0x5C)
                    #expect(found == Self.expected(bytes, bound, 0x7F, 0x5C, from: 0))
                    let single = bytes.span.firstIndex(of: byte)
                    #expect(single == bytes.firstIndex(of: byte))
                }
            }
        }
    }

    @Test("finds the same beyond runs that are walked over faster, at every index")
    func longRuns() {
        for count in [63, 64, 65, 127, 128, 129, 200, 260] {
            for index in 0..<count {
                var bytes = [UInt8](repeating: 0xFF, count: count)
                bytes[index] = UInt8(ascii: "\\")
                #expect(bytes.span.firstIndex(below: 0x20, or: 0x22, or: 0x5C) == index)
                #expect(bytes.span.firstIndex(below: 0x20, or: 0x22, or: 0x5B) == count)
                #expect(bytes.span.firstIndex(of: 0x5C) == index)
                bytes[index] = UInt8(ascii: "7")
                #expect(bytes.span.firstDigit() == index)
            }
        }
    }

    @Test("finds digits, and a byte before one of four others, as a search byte by byte does")
    func digitsAndPairs() {
        var random = SystemRandomNumberGenerator()
        let alphabet: [UInt8] = [0x22, 0x22, 0x2F, 0x30, 0x39, 0x3A, 0x61, 0x62, 0x63, 0x64, 0xB0]
        let others: InlineArray<4, UInt8> = [0x61, 0x62, 0x63, 0x30]
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Int.random(in: 0..<4, using: &random) > 0
                    ? 0x41 : alphabet.randomElement(using: &random) ?? 0
            }
            for offset in 0...bytes.count {
                let digit = bytes[offset...].firstIndex { 0x30...0x39 ~= $0 } ?? bytes.count
                #expect(bytes.span.firstDigit(from: offset) == digit, "\(bytes)")
                let pair = bytes.indices.first { index in
                    index >= offset && index + 1 < bytes.count && bytes[index] == 0x22
                        && [0x61, 0x62, 0x63, 0x30].contains(bytes[index + 1])
                }
                let found = bytes.span.firstIndex(of: 0x22, before: others, from: offset)
                #expect(found == pair, "\(bytes)")
            }
        }
    }

    @Test("finds the first of many, from every offset")
    func many() {
        var random = SystemRandomNumberGenerator()
        // Neighbours of what is looked for are where the arithmetic could borrow.
        let alphabet: [UInt8] = [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x80, 0xFF]
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                Bool.random(using: &random) ? 0x41 : alphabet.randomElement(using: &random) ?? 0
            }
            for offset in 0...bytes.count {
                let found = bytes.span.firstIndex(below: 0x20, or: 0x22, or: 0x5C, from: offset)
                #expect(found == Self.expected(bytes, 0x20, 0x22, 0x5C, from: offset), "\(bytes)")
            }
        }
    }
}
