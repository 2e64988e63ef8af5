import Glibc

/// An extended regular expression of POSIX that is looked for in bytes.
///
/// The C library's own: it takes time in proportion to the text, whatever the text is. References
/// back to a group are refused, because they alone have no such bound.
@safe
public final class Pattern {
    /// Why a text is no pattern.
    public struct Unusable: Error, CustomStringConvertible {
        /// The fault in words.
        public let description: String
    }

    private var compiled: regex_t

    /// Compiles an expression.
    public init(_ text: String) throws(Unusable) {
        var isEscaped = false
        for character in text {
            if isEscaped, character.isNumber, character != "0" {
                throw Unusable(description: "a reference back to a group is not allowed")
            }
            isEscaped = character == "\\" && !isEscaped
        }
        guard !text.isEmpty, !text.contains("\0") else {
            throw Unusable(description: "it is empty, or holds a null")
        }
        var compiled = unsafe regex_t()
        let code = unsafe regcomp(&compiled, text, REG_EXTENDED)
        guard code == 0 else {
            var reason = [CChar](repeating: 0, count: 128)
            _ = unsafe regerror(code, &compiled, &reason, reason.count)
            let bytes = reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
            throw Unusable(description: String(decoding: bytes, as: UTF8.self))
        }
        unsafe self.compiled = compiled
        // One that matches nothing at all would match everywhere.
        if unsafe "".withCString({ unsafe match($0, from: 0, count: 0) }) != nil {
            throw Unusable(description: "it matches the empty text")
        }
    }

    deinit {
        unsafe regfree(&compiled)
    }

    /// What is wrong with a text as a pattern; nil where it is one.
    public static func fault(_ text: String) -> String? {
        do throws(Unusable) {
            _ = try Pattern(text)
            return nil
        } catch {
            return error.description
        }
    }

    /// Where the pattern first matches from an offset on.
    public func firstMatch(in bytes: Span<UInt8>, from offset: Int = 0) -> Range<Int>? {
        unsafe bytes.withUnsafeBytes { space in
            guard let start = space.baseAddress else { return nil }
            return unsafe match(
                start.assumingMemoryBound(to: CChar.self), from: offset, count: space.count)
        }
    }

    /// Appends bytes with what the pattern matches replaced.
    public func replace(
        in bytes: Span<UInt8>, with replacement: StaticString, to output: inout ByteBuffer
    ) {
        var start = 0
        while start < bytes.count, let found = firstMatch(in: bytes, from: start) {
            guard !found.isEmpty else { break }
            output.append(bytes.extracting(start..<found.lowerBound))
            output.append(replacement)
            start = found.upperBound
        }
        output.append(bytes.extracting(start..<bytes.count))
    }

    private func match(
        _ text: UnsafePointer<CChar>, from offset: Int, count: Int
    ) -> Range<Int>? {
        var place = regmatch_t(rm_so: regoff_t(offset), rm_eo: regoff_t(count))
        // With this flag the text is as long as is said, and may hold nulls.
        let flags = REG_STARTEND | (offset > 0 ? REG_NOTBOL : 0)
        guard unsafe regexec(&compiled, text, 1, &place, flags) == 0 else { return nil }
        return Int(place.rm_so)..<Int(place.rm_eo)
    }
}

@available(*, unavailable)
extension Pattern: Sendable {}
