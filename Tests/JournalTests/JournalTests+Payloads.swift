import CJournal
import Glibc
import Journal
import Primitives
import Reactor
import Support
import Synchronization
import Testing

// What stands in frames.
extension JournalTests {
    @Test("payloads come back, whole or not at all")
    func payloads() {
        let begin = BeginPayload(
            identifier: Identifier(high: 1, low: 2), wallMicroseconds: 3,
            acceptedBeforeNanoseconds: 4, dialect: 2, keyDigest: 5, bodyBytes: -1, method: "POST",
            target: "/v1/chat?x=1", chain: "main", model: "gpt-4o", fields: "host: a\r\n",
            client: "192.0.2.7")
        let settlement = SettlementPayload(
            identifier: Identifier(high: 1, low: 2), wallMicroseconds: 9, outcome: 3, status: 502,
            attempts: 300, answered: 2, durationNanoseconds: 8, headNanoseconds: -1,
            lastByteNanoseconds: 7, requestBytes: 6, responseBytes: 5, droppedFrames: 4,
            isRequestCaptured: false, isResponseCaptured: true, vendor: "openai",
            failureCode: "vendor_timeout", explanation: String(repeating: "ü", count: 100),
            model: "m"
        )
        let attempt = AttemptPayload(vendor: "v", model: "m", isFresh: true)
        let failure = FailurePayload(
            name: "reset", curlCode: 56, status: 0, wasSent: true, reason: "why")
        let head = HeadPayload(isEventStream: true, encoding: "gzip", fields: "a: b\r\n")
        Self.check({ begin.write(to: &$0) }, { BeginPayload($0) == begin })
        Self.check({ head.write(to: &$0) }, { HeadPayload($0) == head })
        Self.check({ settlement.write(to: &$0) }, { SettlementPayload($0) == settlement })
        Self.check({ attempt.write(to: &$0) }, { AttemptPayload($0) == attempt })
        Self.check({ failure.write(to: &$0) }, { FailurePayload($0) == failure })
        var long = settlement
        long.vendor = String(repeating: "v", count: 5000)
        long.explanation = String(repeating: "ü", count: 5000)
        long.failureCode = long.vendor
        long.model = long.vendor
        var writer = PayloadWriter()
        long.write(to: &writer)
        let count = writer.bytes.count
        let read = SettlementPayload(writer.bytes)
        #expect(count + 32 <= JournalWriter.settlementBytesMax)
        #expect(read?.explanation.hasSuffix("ü") == true)
    }

    @Test("payloads lie in journals as they always did")
    func layout() {
        var begin = PayloadWriter()
        BeginPayload(
            identifier: Identifier(high: 1, low: 2), wallMicroseconds: 3,
            acceptedBeforeNanoseconds: 4, dialect: 2, keyDigest: 5, bodyBytes: -1, method: "GET",
            target: "/x", chain: "c", model: "m", fields: "a: b\r\n", client: "::1"
        ).write(to: &begin)
        let numbers: [UInt8] = [1, 2, 3, 4].flatMap { [$0, 0, 0, 0, 0, 0, 0, 0] as [UInt8] }
        let dialectAndKey: [UInt8] = [2, 5, 0, 0, 0, 0, 0, 0, 0]
        let size = [UInt8](repeating: 0xFF, count: 8)
        let texts = Array("\u{3}\0GET\u{2}\0/x\u{1}\0c\u{1}\0m".utf8)
        let fields = Array("\u{6}\0\0\0a: b\r\n".utf8)
        // The last part is missing in journals of the first version.
        let first = Array(([numbers, dialectAndKey, size, texts, fields] as [[UInt8]]).joined())
        let isBegin = begin.bytes.elementsEqual(first + Array("\u{3}\0::1".utf8))
        #expect(isBegin)
        let early = BeginPayload(first.span)
        #expect(early?.client == "" && early?.fields == "a: b\r\n")
        #expect(early?.caller == CallerAccount())
        let isShort = BeginPayload(Array(first.dropLast()).span) == nil
        #expect(isShort)
        var head = PayloadWriter()
        HeadPayload(isEventStream: true, encoding: "br", fields: "a: b\r\n").write(to: &head)
        let isHead = head.bytes.elementsEqual(Array("\u{1}\u{2}\0br".utf8) + fields)
        #expect(isHead)
    }

    private static func check(
        _ write: (inout PayloadWriter) -> Void, _ isEqual: (Span<UInt8>) -> Bool
    ) {
        var writer = PayloadWriter()
        write(&writer)
        let isWhole = isEqual(writer.bytes)
        #expect(isWhole)
        for count in 0..<writer.bytes.count {
            let isCut = isEqual(writer.bytes.extracting(0..<count))
            #expect(!isCut)
        }
    }
}
