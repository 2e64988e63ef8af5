import Primitives
import Testing

@Suite("Identifiers")
struct IdentifierTests {
    @Test("are 26 characters of Crockford's alphabet that sort by time")
    func form() {
        var random = RandomSource(seed: 1)
        var previous = ""
        for milliseconds in stride(from: UInt64(1_700_000_000_000), to: 1_700_000_000_500, by: 1) {
            let text = Identifier.next(using: &random, milliseconds: milliseconds).description
            #expect(text.utf8.count == Identifier.length)
            #expect(text.allSatisfy { "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains($0) })
            #expect(text > previous)
            previous = text
        }
    }

    @Test("are written as they are described, and do not repeat")
    func uniqueness() {
        var random = RandomSource()
        var seen: Set<String> = []
        for _ in 0..<10_000 {
            let identifier = Identifier.next(using: &random)
            var buffer = ByteBuffer()
            identifier.write(to: &buffer)
            #expect(buffer.bytes.text == identifier.description)
            seen.insert(identifier.description)
        }
        #expect(seen.count == 10_000)
    }

    @Test("spell their bits, most significant first")
    func bits() {
        #expect(Identifier(high: 0, low: 0).description == String(repeating: "0", count: 26))
        #expect(Identifier(high: 0, low: 31).description.hasSuffix("0Z"))
        #expect(
            Identifier(high: .max, low: .max).description == "7" + String(repeating: "Z", count: 25)
        )
        #expect(Identifier(high: 1, low: 0).description == "0000000000000G000000000000")
    }
}

@Suite("Times")
struct TimeTests {
    @Test("are written in the largest unit that is exact")
    func descriptions() {
        #expect(Interval.zero.description == "0")
        #expect(Interval.seconds(5).description == "5s")
        #expect(Interval.milliseconds(250).description == "250ms")
        #expect(Interval.seconds(120).description == "2m")
        #expect(Interval.seconds(30 * 86_400).description == "30d")
        #expect(Interval(nanoseconds: 1_500).description == "1500ns")
    }

    @Test("round up for timers, which must never be early")
    func rounding() {
        #expect(Interval(nanoseconds: 1).millisecondsRoundedUp == 1)
        #expect(Interval.milliseconds(3).millisecondsRoundedUp == 3)
        #expect(Interval(nanoseconds: -5).millisecondsRoundedUp == 0)
    }

    @Test("are added and subtracted, with an end to all time")
    func arithmetic() {
        let start = Instant(nanoseconds: 1_000)
        #expect(start + .milliseconds(1) - start == .milliseconds(1))
        #expect(start + Interval(nanoseconds: .max) == .distantFuture)
        #expect(start < .distantFuture)
        let never = Instant(nanoseconds: .min)
        #expect(Instant.distantFuture - never == Interval(nanoseconds: .max))
        #expect(never - .distantFuture == Interval(nanoseconds: .min))
        #expect(Instant.now() <= Instant.now())
    }
}

@Suite("Secrets")
struct SecretTests {
    private struct Holder {
        let name = "openai"
        let key = Secret("sk-canary")
    }

    @Test("print as redacted wherever they are printed")
    func redaction() {
        let secret = Secret("sk-canary")
        var dumped = ""
        dump(Holder(), to: &dumped)
        for text in [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder())",
            dumped, "\([secret])", "\(Optional(secret) as Any)",
        ] { #expect(!text.contains("canary"), "\(text)") }
        #expect(secret.reveal() == "sk-canary")
        #expect(secret == Secret("sk-canary"))
    }
}

@Suite("Spans of bytes")
struct SpanTests {
    @Test("compare with and without case")
    func comparison() {
        let bytes = Array("Content-Length".utf8)
        #expect(bytes.span.matches("Content-Length") == true)
        #expect(bytes.span.matches("content-length") == false)
        #expect(bytes.span.matchesIgnoringCase("content-length") == true)
        #expect(bytes.span.matchesIgnoringCase("content-lengt") == false)
        #expect(bytes.span.hasPrefix("Content") == true)
        #expect(bytes.span.hasPrefix("Content-Length-") == false)
        let upper = Array("CONTENT-LENGTH".utf8)
        let isEqual = bytes.span.equalsIgnoringCase(upper.span)
        #expect(isEqual)
        // The bit of upper and lower case means nothing outside letters.
        let at: [UInt8] = [0x40]
        let grave: [UInt8] = [0x60]
        let areEqual = at.span.equalsIgnoringCase(grave.span)
        #expect(!areEqual)
    }

    @Test("read numbers, and nothing else, as numbers")
    func decimals() {
        let texts: [(String, Int?)] = [
            ("0", 0), ("007", 7), ("123456789012345678", 123_456_789_012_345_678),
            ("1234567890123456789", nil), ("", nil), ("-1", nil), ("+1", nil), ("1 ", nil),
            ("1a", nil), ("１", nil),
        ]
        for (text, number) in texts { #expect(Array(text.utf8).span.decimal == number, "\(text)") }
    }

    @Test("lose spaces and tabs at their ends")
    func trimming() {
        #expect(Array(" \t a b\t ".utf8).span.trimmed.text == "a b")
        #expect(Array(" \t ".utf8).span.trimmed.count == 0)
        #expect(Array("abc".utf8).span.firstIndex(of: 0x63) == 2)
        #expect(Array("abcabc".utf8).span.firstIndex(of: 0x61, from: 1) == 3)
        #expect(Array("abc".utf8).span.firstIndex(of: 0x7A) == nil)
    }
}
