import Primitives

/// A vendor's usage object, as a row has it: its text with `#` for each run of digits is a name,
/// for most objects differ in their numbers alone, and the digits follow, with commas between them.
///
/// First stands two times the name's number, or one where all of the text follows.
enum UsageShape {
    private static let hole = UInt8(ascii: "#")
    private static let slot = 60

    static func write(
        _ text: String, day: Int, _ names: inout NameWriter, to buffer: inout ByteBuffer
    ) throws {
        var shape = ByteBuffer(capacity: text.utf8.count)
        var digits = ByteBuffer()
        var isInDigits = false
        var isShape = text.utf8.count <= NameTable.bytesMax
        for byte in text.utf8 where isShape {
            let isDigit = UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
            if isDigit {
                if !isInDigits {
                    if !digits.isEmpty { digits.append(byte: UInt8(ascii: ",")) }
                    shape.append(byte: hole)
                }
                digits.append(byte: byte)
            } else {
                isShape = byte != hole
                shape.append(byte: byte)
            }
            isInDigits = isDigit
        }
        if isShape, let number = try names.number(of: shape.bytes.text, day: day, slot: slot) {
            buffer.append(varint: UInt64(clamping: number) << 1)
            buffer.append(contentsOf: digits)
        } else {
            buffer.append(varint: 1)
            buffer.append(text: text)
        }
    }

    /// The text.
    static func read(
        _ bytes: Span<UInt8>, _ name: (Int64) throws -> String
    ) rethrows -> String {
        var reader = VarintReader(bytes)
        let reference = reader.number()
        guard !reader.isShort else { return "" }
        guard reference & 1 == 0 else { return reader.rest().text }
        let shape = try name(Int64(clamping: reference >> 1))
        let digits = reader.rest()
        var text = ByteBuffer(capacity: shape.utf8.count + digits.count)
        var start = 0
        for byte in shape.utf8 {
            guard byte == hole else {
                text.append(byte: byte)
                continue
            }
            let end = digits.firstIndex(of: UInt8(ascii: ","), from: start) ?? digits.count
            text.append(digits.extracting(min(start, digits.count)..<end))
            start = min(end + 1, digits.count)
        }
        return text.bytes.text
    }
}
