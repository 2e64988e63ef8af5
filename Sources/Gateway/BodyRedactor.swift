public import JSON
public import Primitives

/// Takes out of bodies what an operator does not want written down, before a journal is told.
///
/// Only made where something is configured: bodies then wait for the end of a line, or of
/// themselves, on their way to the journal, and never on their way to the client.
public final class BodyRedactor {
    private let paths: JSONRedaction
    private let patterns: [Pattern]

    /// What the two kinds of rules take out.
    public init(paths: JSONRedaction, patterns: [Pattern]) {
        self.paths = paths
        self.patterns = patterns
    }

    /// Appends a text without what the rules take out.
    func redact(_ text: Span<UInt8>, to output: inout ByteBuffer) {
        var current = ByteBuffer()
        paths.write(text, to: &current)
        redactPatterns(current, to: &output)
    }

    /// Appends a line of an event stream, its end included, without what the rules take out: the
    /// value of a `data` field is looked at as JSON.
    func redact(line: Span<UInt8>, to output: inout ByteBuffer) {
        var current = ByteBuffer()
        var start = 0
        if line.hasPrefix("data:") {
            start = 5
            while start < line.count, line[start] == 0x20 { start += 1 }
        }
        var end = line.count
        while end > start, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
        current.append(line.extracting(0..<start))
        paths.write(line.extracting(start..<end), to: &current)
        current.append(line.extracting(end..<line.count))
        redactPatterns(current, to: &output)
    }

    private func redactPatterns(_ text: consuming ByteBuffer, to output: inout ByteBuffer) {
        var next = ByteBuffer()
        for pattern in patterns {
            next.removeAll()
            pattern.replace(in: text.bytes, with: "<redacted>", to: &next)
            swap(&text, &next)
        }
        output.append(text.bytes)
    }
}

@available(*, unavailable)
extension BodyRedactor: Sendable {}
