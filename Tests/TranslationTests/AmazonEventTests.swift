import Primitives
import Support
import Testing

@testable import Translation

@Suite("Amazon's framing")
struct AmazonEventTests {
    /// A stream of Claude's as Bedrock sent it: two of its messages.
    private static let recorded = """
        AAABIwAAAEvJEcEACzpldmVudC10eXBlBwAFY2h1bmsNOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pz\
        b24NOm1lc3NhZ2UtdHlwZQcABWV2ZW50eyJieXRlcyI6ImV5SjBlWEJsSWpvaVkyOXVkR1Z1ZEY5aWJHOWph\
        MTl6ZEdGeWRDSXNJbWx1WkdWNElqb3dMQ0pqYjI1MFpXNTBYMkpzYjJOcklqcDdJblI1Y0dVaU9pSjBhR2x1\
        YTJsdVp5SXNJblJvYVc1cmFXNW5Jam9pSWl3aWMybG5ibUYwZFhKbElqb2lJbjE5IiwicCI6ImFiY2RlZmdo\
        aWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU5PIn2j0Sq1AAABDgAAAEvwQCq1CzpldmVudC10eXBl\
        BwAFY2h1bmsNOmNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2UtdHlwZQcABWV2ZW50\
        eyJieXRlcyI6ImV5SjBlWEJsSWpvaVkyOXVkR1Z1ZEY5aWJHOWphMTlrWld4MFlTSXNJbWx1WkdWNElqb3dM\
        Q0prWld4MFlTSTZleUowZVhCbElqb2lkR2hwYm10cGJtZGZaR1ZzZEdFaUxDSjBhR2x1YTJsdVp5STZJbFJv\
        YVhNZ2FYTWdZWE5yYVc1bkluMTkiLCJwIjoiYWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4In2vtBwB
        """

    /// An exception as a service of Amazon's sent it.
    private static let exception = """
        AAAAxwAAAGEEorpsDzpleGNlcHRpb24tdHlwZQcAE0JhZFJlcXVlc3RFeGNlcHRpb24NOmNvbnRlbnQtdHlw\
        ZQcAEGFwcGxpY2F0aW9uL2pzb24NOm1lc3NhZ2UtdHlwZQcACWV4Y2VwdGlvbnsiTWVzc2FnZSI6IllvdXIg\
        cmVxdWVzdCB0aW1lZCBvdXQgYmVjYXVzZSBubyBuZXcgYXVkaW8gd2FzIHJlY2VpdmVkIGZvciAxNSBzZWNv\
        bmRzLiJ9PblBbw==
        """

    /// A vector of Amazon's own libraries: one field, and a payload.
    private static let vector = """
        AAAAPQAAACAH/YOWDGNvbnRlbnQtdHlwZQcAEGFwcGxpY2F0aW9uL2pzb257J2Zvbyc6J2Jhcid9jZwIsQ==
        """

    private static func bytes(_ text: String) throws -> [UInt8] {
        try #require(Base64.decode(Array(text.utf8)[...]))
    }

    private static func read(
        _ pieces: [[UInt8]], bytesMax: Int = 1 << 20
    ) -> (events: [AmazonEvent], fault: AmazonEventReader.Fault?) {
        var reader = AmazonEventReader(bytesMax: bytesMax)
        var events: [AmazonEvent] = []
        for piece in pieces { reader.take(piece.span) { events.append($0) } }
        reader.end()
        return (events, reader.fault)
    }

    private static func translate(_ pieces: [[UInt8]]) -> (text: String, failure: String?) {
        var stream = BedrockStream()
        var output = ByteBuffer()
        for piece in pieces { stream.take(piece.span, into: &output) }
        stream.end(into: &output)
        return (String(decoding: Array(output.bytes), as: UTF8.self), stream.failure)
    }

    @Test("a recorded stream is Anthropic's own events, however its bytes are cut")
    func recordedStream() throws {
        let bytes = try Self.bytes(Self.recorded)
        let wanted =
            "event: content_block_start\n"
            + #"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","#
            + #""thinking":"","signature":""}}"# + "\n\nevent: content_block_delta\n"
            + #"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","#
            + #""thinking":"This is asking"}}"# + "\n\n"
        for cut in 0...bytes.count {
            let (text, failure) = Self.translate([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(text == wanted && failure == nil, "cut at \(cut)")
        }
        #expect(Self.translate(bytes.map { [$0] }).text == wanted)
    }

    @Test("a message of Amazon's libraries is read, and written with the same bytes")
    func vectors() throws {
        let bytes = try Self.bytes(Self.vector)
        let (events, fault) = Self.read([bytes])
        let wanted = AmazonEvent(
            fields: [("content-type", "application/json")], payload: Array("{'foo':'bar'}".utf8))
        #expect(events == [wanted] && fault == nil)
        for text in [Self.vector, Self.recorded, Self.exception] {
            let bytes = try Self.bytes(text)
            var written = ByteBuffer()
            for event in Self.read([bytes]).events { event.write(to: &written) }
            #expect(Array(written.bytes) == bytes)
        }
    }

    @Test("a bit that is wrong anywhere is found")
    func flips() throws {
        let bytes = try Self.bytes(Self.recorded)
        let whole = Self.read([bytes]).events
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << bit
                let (events, fault) = Self.read([changed])
                #expect(fault != nil, "bit \(bit) of byte \(index)")
                #expect(events == Array(whole.prefix(events.count)))
                #expect(Self.translate([changed]).text.contains("event: error"))
            }
        }
    }

    @Test("a stream that ends within a message, or has one too large, has a fault")
    func bounds() throws {
        let bytes = try Self.bytes(Self.recorded)
        for count in 1..<bytes.count where count != 291 {
            let (text, failure) = Self.translate([Array(bytes.prefix(count))])
            #expect(failure != nil && text.hasSuffix("}}\n\n"), "\(count) bytes")
            #expect(text.contains("event: error"))
        }
        #expect(Self.read([bytes], bytesMax: 290).fault == .tooLarge)
        #expect(Self.read([bytes], bytesMax: 291).fault == nil)
    }

    @Test("lengths and fields that lie are faults, though their checksums fit")
    func lies() {
        func message(total: UInt32, head: UInt32, _ rest: [UInt8]) -> [UInt8] {
            func word(_ value: UInt32) -> [UInt8] {
                (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * $0)) }
            }
            var bytes = word(total) + word(head)
            bytes += word(CRC32.of(bytes.span)) + rest
            return bytes + word(CRC32.of(bytes.span))
        }
        #expect(Self.read([message(total: 16, head: 1, [])]).fault == .length)
        #expect(Self.read([message(total: 15, head: 0, [])]).fault == .length)
        #expect(Self.read([message(total: 0, head: 0, [])]).fault == .length)
        #expect(Self.read([message(total: 16, head: 0, [])]).events.count == 1)
        let heads: [[UInt8]] = [
            [0], [5, 97], [1, 97], [1, 97, 10], [1, 97, 7], [1, 97, 7, 0, 2, 98], [1, 97, 4, 0],
            [1, 97, 6, 0xFF, 0xFF],
        ]
        for head in heads {
            let count = UInt32(head.count)
            let (events, fault) = Self.read([message(total: 16 + count, head: count, head)])
            #expect(events.isEmpty && fault == .field, "\(head)")
        }
        // Every type of a value is skipped by its length.
        let values: [UInt8] =
            [1, 97, 0, 1, 98, 1, 1, 99, 2, 0, 1, 100, 3, 0, 0, 1, 101, 4, 0, 0, 0, 0]
            + [1, 102, 5] + [UInt8](repeating: 0, count: 8) + [1, 103, 6, 0, 1, 9]
            + [1, 104, 8] + [UInt8](repeating: 0, count: 8)
            + [1, 105, 9] + [UInt8](repeating: 0, count: 16) + [1, 106, 7, 0, 1, 120]
        let count = UInt32(values.count)
        let (events, fault) = Self.read([message(total: 16 + count, head: count, values)])
        #expect(fault == nil && events.first?["j"] == "x" && events.first?.fields.count == 1)
    }

    @Test("a failure is never dropped, in whichever message it stands")
    func failures() throws {
        func stream(_ fields: [(String, String)], _ payload: String) -> [UInt8] {
            var output = ByteBuffer()
            AmazonEvent(
                fields: fields.map { (name: $0.0, value: $0.1) }, payload: Array(payload.utf8)
            ).write(to: &output)
            return Array(output.bytes)
        }
        func exception(_ name: String) -> [(String, String)] {
            [(":exception-type", name), (":message-type", "exception")]
        }
        let rows: [([(String, String)], String, String)] = [
            (exception("throttlingException"), "{\"message\":\"slow\"}", "rate_limit_error"),
            (exception("ThrottlingException"), "{\"message\":\"slow\"}", "rate_limit_error"),
            (
                exception("serviceUnavailableException"), "{\"message\":\"slow\"}",
                "overloaded_error"
            ),
            (exception("modelTimeoutException"), "{\"message\":\"slow\"}", "timeout_error"),
            (exception("validationException"), "{\"message\":\"slow\"}", "invalid_request_error"),
            (exception("internalServerException"), "{\"message\":\"slow\"}", "api_error"),
            (exception("modelStreamErrorException"), "{\"Message\":\"slow\"}", "api_error"),
            (exception("slow"), "no JSON", "api_error"), (exception("slow"), "", "api_error"),
            (
                [(":message-type", "error"), (":error-code", "500"), (":error-message", "slow")],
                "", "api_error"
            ),
            ([(":message-type", "error"), (":error-code", "slow")], "", "api_error"),
            (
                [(":message-type", "event"), (":event-type", "throttlingException")],
                "{\"message\":\"slow\"}", "rate_limit_error"
            ),
            (
                [(":message-type", "event"), (":event-type", "chunk")],
                "{\"modelTimeoutException\":{\"message\":\"slow\"}}", "timeout_error"
            ),
        ]
        for (fields, payload, type) in rows {
            let (text, failure) = Self.translate([
                try Self.bytes(Self.recorded), stream(fields, payload),
                try Self.bytes(Self.recorded),
            ])
            #expect(failure == "slow", "\(fields)")
            // Nothing follows it.
            #expect(
                text.hasSuffix(
                    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"\(type)\","
                        + "\"message\":\"slow\"}}\n\n"), "\(text)")
            #expect(text.split(separator: "content_block_start\"").count == 2)
        }
        let (text, _) = Self.translate([try Self.bytes(Self.exception)])
        #expect(text.contains("no new audio was received"))
        // Chunks that hold nothing, and kinds that nothing is known of.
        for (fields, payload) in [
            ([(":message-type", "event"), (":event-type", "chunk")], "{}"),
            ([(":message-type", "event"), (":event-type", "chunk")], "{\"bytes\":\"!\"}"),
            ([(":message-type", "event"), (":event-type", "chunk")], "{\"bytes\":\"bm8=\"}"),
            ([(":message-type", "?")], ""), ([], ""),
        ] {
            #expect(Self.translate([stream(fields, payload)]).failure != nil)
        }
        // An event that is added one day is none of the answer.
        let added = stream([(":message-type", "event"), (":event-type", "initial-response")], "{}")
        #expect(Self.translate([added]) == ("", nil))
    }

    @Test("events of Anthropic's come back from Bedrock's framing as they were")
    func roundTrip() throws {
        let script = try #require(StreamScript.all.first { $0.description.contains("three tools") })
        let events = script.events(.messages)
        var frames = ByteBuffer()
        for event in events { try BedrockStream.write(event: Array(event.utf8), to: &frames) }
        let (text, failure) = Self.translate([Array(frames.bytes)])
        #expect(failure == nil)
        let data = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }
        #expect(data.map { String($0.dropFirst(6)) } == events)
        for type in [
            "rate_limit_error", "overloaded_error", "timeout_error", "invalid_request_error",
            "permission_error", "api_error",
        ] {
            var frames = ByteBuffer()
            let error = #"{"type":"error","error":{"type":"\#(type)","message":"m \u00e9"}}"#
            try BedrockStream.write(event: Array(error.utf8), to: &frames)
            let (text, failure) = Self.translate([Array(frames.bytes)])
            #expect(failure == "m \u{E9}" && text.contains("\"\(type)\""))
        }
    }
}
