import JSON
import Primitives

// A text of JSON may spell any character as an escape, and a text within a text, such as the
// arguments of a tool, spells its quotes so. A pattern that an operator wrote means what is said,
// however it is spelled.
extension BodyRedactor {
    /// How often the escapes of a text are undone: JSON in a text of JSON has its own.
    private static let depthMax = 3

    /// Replaces what stands between two quotes as a whole where a pattern matches in it once its
    /// escapes are undone; what they match in as it stands is gone by then.
    ///
    /// Returns where the limit has moved to; nil where the patterns take too many steps.
    func redactEscaped(
        _ text: Span<UInt8>, limit: Int, steps: inout Int, to output: inout ByteBuffer
    ) -> Int? {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        var start = 0
        var moved: Int?
        var open = text.firstIndex(of: quote, from: 0)
        while let first = open.map({ $0 + 1 }), first < text.count {
            var end = first
            var isEscaped = false
            while end < text.count, text[end] != quote {
                if text[end] == backslash {
                    isEscaped = true
                    end += 1
                }
                end += 1
            }
            end = min(end, text.count)
            open = end + 1 < text.count ? text.firstIndex(of: quote, from: end + 1) : nil
            guard isEscaped else { continue }
            guard let isFound = holdsMatch(text.extracting(first..<end), steps: &steps)
            else { return nil }
            guard isFound else { continue }
            if first >= limit, moved == nil { moved = output.count + limit - start }
            output.append(text.extracting(start..<first))
            output.append("<redacted>")
            start = end
            if start >= limit, moved == nil { moved = output.count }
        }
        if moved == nil, limit <= text.count { moved = output.count + limit - start }
        output.append(text.extracting(start..<text.count))
        return moved ?? output.count
    }

    /// Whether a pattern matches in a text whose escapes are undone; nil where that takes too many
    /// steps.
    private func holdsMatch(_ text: Span<UInt8>, steps: inout Int) -> Bool? {
        var plain = ByteBuffer()
        JSONText.appendUnescaped(text, to: &plain)
        for depth in 1...Self.depthMax {
            for pattern in patterns {
                var replaced = ByteBuffer()
                let left = pattern.replace(
                    in: plain.bytes, with: "<redacted>", steps: &steps, to: &replaced)
                guard left != nil else { return nil }
                if !replaced.bytes.equals(plain.bytes) { return true }
            }
            guard depth < Self.depthMax,
                plain.bytes.firstIndex(of: UInt8(ascii: "\\"), from: 0) != nil
            else { return false }
            var next = ByteBuffer()
            JSONText.appendUnescaped(plain.bytes, to: &next)
            swap(&plain, &next)
        }
        return false
    }
}
