import HTTP
import Primitives

/// Heads of vendors, line by line as libcurl hands them over.
enum HeadFuzz {
    static func run(_ input: FuzzInput) {
        var head = ResponseHead()
        var start = 0
        while start < input.bytes.count {
            let feed = input.bytes[start...].firstIndex(of: 0x0A) ?? input.bytes.count - 1
            // True of the last line of a final head.
            if head.add(line: input.bytes.span.extracting(start..<feed + 1)) { break }
            start = feed + 1
        }
        _ = (head.mediaType, head.isEncoded, head.decimal("retry-after"), head.date("retry-after"))
        _ = head.flag("x-should-retry")
        var output = ByteBuffer()
        head.writeStatusLine(to: &output)
        head.writeFields(to: &output)
        head.writeRedactedFields(to: &output)
    }
}
