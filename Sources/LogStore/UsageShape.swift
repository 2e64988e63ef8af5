import Primitives

/// A vendor's usage object, as a row has it: its text with `#` for each run of digits is a name,
/// for most objects differ in their numbers alone, and the digits follow, with commas between them.
///
/// First stands two times the name's number, or one where all of the text follows.
enum UsageShape {
    private static let hole = UInt8(ascii: "#")
    private static let slot = 60

    /// Memory for a shape and its digits, kept from one to the next.
    struct Scratch: ~Copyable {
        fileprivate var shape = ByteBuffer()
        fileprivate var digits = ByteBuffer()
    }

    static func write(
        _ text: String, day: Int, _ names: inout NameWriter, _ scratch: inout Scratch,
        to buffer: inout ByteBuffer
    ) throws {
        scratch.shape.removeAll()
        scratch.digits.removeAll()
        let bytes = text.utf8.span
        // A text with a hole of its own has no shape.
        let isShape =
            bytes.count <= NameTable.bytesMax && bytes.firstIndex(of: hole, from: 0) == nil
        var start = 0
        while isShape, start < bytes.count {
            var end = bytes.firstDigit(from: start)
            scratch.shape.append(bytes.extracting(start..<end))
            start = end
            while end < bytes.count, bytes[end] &- 0x30 < 10 { end += 1 }
            guard start < end else { break }
            scratch.shape.append(byte: hole)
            if !scratch.digits.isEmpty { scratch.digits.append(byte: UInt8(ascii: ",")) }
            scratch.digits.append(bytes.extracting(start..<end))
            start = end
        }
        if isShape, let number = try names.number(of: scratch.shape.bytes, day: day, slot: slot) {
            buffer.append(varint: UInt64(clamping: number) << 1)
            buffer.append(contentsOf: scratch.digits)
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
