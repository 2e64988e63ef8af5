public import JSON
public import Primitives

/// Takes out of bodies what an operator does not want written down, before the journal has it.
///
/// Only made where something is configured: bodies then wait for the end of a line, or of
/// themselves, on their way to the journal, and never on their way to the client. A text
/// that it cannot read it does not let through.
public final class BodyRedactor {
    /// Steps of all patterns for each byte of a text, and at most.
    private static let stepsPerByte = 64
    private static let stepsMax = 16 << 20

    private let paths: JSONRedaction
    let patterns: [Pattern]

    /// What the two kinds of rules take out.
    public init(paths: JSONRedaction, patterns: [Pattern]) {
        self.paths = paths
        self.patterns = patterns
    }

    /// Appends a text without what the rules take out, and no more of it than `limit` bytes go in:
    /// what lies beyond shows where a match at the limit ends.
    ///
    /// Returns false, with nothing appended, where the patterns take too many steps in this text.
    func redact(_ text: Span<UInt8>, limit: Int, to output: inout ByteBuffer) -> Bool {
        var found = ByteBuffer()
        guard let moved = redactPatterns(text, limit: limit, to: &found) else { return false }
        paths.write(found.bytes(0..<min(moved, found.count)), to: &output)
        return true
    }

    /// Appends a line of an event stream, its end included, without what the rules take out: the
    /// value of a `data` field is looked at as JSON.
    ///
    /// Returns false, with nothing appended, where the patterns take too many steps in this line.
    func redact(line: Span<UInt8>, to output: inout ByteBuffer) -> Bool {
        var found = ByteBuffer()
        guard redactPatterns(line, limit: .max, to: &found) != nil else { return false }
        let bytes = found.bytes
        var start = bytes.hasPrefix("\u{FEFF}") ? 3 : 0
        let isData = bytes.extracting(start..<bytes.count).hasPrefix("data:")
        guard isData, !paths.isEmpty else {
            output.append(bytes)
            return true
        }
        start += 5
        while start < bytes.count, bytes[start] == 0x20 { start += 1 }
        var end = bytes.count
        while end > start, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
        output.append(bytes.extracting(0..<start))
        let value = bytes.extracting(start..<end)
        let first = value.count > 0 ? value[0] : 0
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") && !value.matches("[DONE]") {
            paths.write(value, to: &output)
        } else if value.count == 0 || value.matches("[DONE]") {
            output.append(value)
        } else {
            // A part of a value that was spread over several lines; which part is unknown.
            output.append("<redacted>")
        }
        output.append(bytes.extracting(end..<bytes.count))
        return true
    }

    /// Returns where the limit has moved to; nil where the patterns take too many steps.
    private func redactPatterns(
        _ text: Span<UInt8>, limit: Int, to output: inout ByteBuffer
    ) -> Int? {
        output.append(text)
        var limit = limit
        var steps = min(Self.stepsMax, Self.stepsPerByte * (text.count + (4 << 10)))
        for pattern in patterns {
            var next = ByteBuffer()
            guard
                let moved = pattern.replace(
                    in: output.bytes, with: "<redacted>", limit: limit, steps: &steps, to: &next)
            else { return nil }
            limit = moved
            swap(&output, &next)
        }
        guard !patterns.isEmpty,
            output.bytes.firstIndex(of: UInt8(ascii: "\\"), from: 0) != nil
        else { return limit }
        var next = ByteBuffer()
        guard let moved = redactEscaped(output.bytes, limit: limit, steps: &steps, to: &next)
        else { return nil }
        swap(&output, &next)
        return moved
    }
}

@available(*, unavailable)
extension BodyRedactor: Sendable {}
