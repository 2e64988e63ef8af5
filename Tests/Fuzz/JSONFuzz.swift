import Dialects
import JSON
import Primitives

/// What walks JSON, and what changes a byte of it: the change must leave JSON what it was.
enum JSONFuzz {
    private static let redaction = JSONRedaction(
        ["messages.*.content", "a.b", "model"].compactMap { JSONPath($0) })

    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        let value = try? JSONValue(parsing: bytes)
        if let value {
            var written = ByteBuffer()
            value.write(to: &written)
            precondition((try? JSONValue(parsing: written.bytes)) == value, "written otherwise")
        }
        var output = ByteBuffer()
        if UsageInjection.write(bytes, to: &output) {
            expectJSON(output.bytes, where: value != nil)
        }
        output.removeAll()
        redaction.write(bytes, to: &output)
        _ = JSONText.unescape(bytes)
        _ = JSONPath(String(decoding: input.bytes, as: UTF8.self))
    }

    private static func expectJSON(_ bytes: Span<UInt8>, where wasJSON: Bool) {
        guard wasJSON else { return }
        precondition((try? JSONValue(parsing: bytes)) != nil, "no JSON any more")
    }
}
