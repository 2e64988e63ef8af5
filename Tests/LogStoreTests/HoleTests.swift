import Dialects
import Journal
import Primitives
import Telemetry
import Testing

@testable import LogStore

@Suite("A damaged piece of a body")
struct HoleTests {
    private static let headBytes = 64 << 10
    private static let requestPieces = (0..<4).map { "{\"a\($0)\":\"\($0)\"," }
    private static let answerPieces = (0..<4).map {
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":\($0),\"completion_tokens\":2}}\n\n"
    }

    private static var call: RecordScratch.Call {
        var call = RecordScratch.Call()
        call.request = Array(requestPieces.joined().utf8)
        call.requestPieces = requestPieces.count
        call.pieces = answerPieces.map { Array($0.utf8) }
        return call
    }

    /// Flips a bit in the piece of such a number, those of the request first.
    private static func damage(_ piece: Int, in scratch: RecordScratch) throws {
        var positions: [UInt64] = []
        var reader = JournalReader(scratch.file, again: true)
        reader.read { frame in
            if frame.kind == .requestBody || frame.kind == .chunk {
                positions.append(frame.position)
            }
            return true
        }
        #expect(positions.count == 8)
        // In its payload.
        try RecordScratch.flip(scratch.file.path, at: headBytes + Int(positions[piece]) + 40)
    }

    private static func check(_ record: Record, _ piece: Int, isSettled: Bool) {
        let (request, answer) = (min(piece, 4), piece < 4 ? 4 : piece - 4)
        #expect(record.requestBody.bytes == Array(requestPieces.prefix(request).joined().utf8))
        #expect(record.responseBody.bytes == Array(answerPieces.prefix(answer).joined().utf8))
        // Behind the last piece none comes that would show it: then the settlement's sums do.
        let isLast = piece % 4 == 3
        #expect(record.droppedFrames == (isLast ? 0 : 1))
        #expect(record.requestBody.isCut == (request < 4))
        #expect(record.responseBody.isCut == (answer < 4 && (isSettled || !isLast)))
        if answer < 3 { #expect(record.usageState == .unknown) }
    }

    @Test("takes with it what comes behind, and the record says so", arguments: 0..<8)
    func settled(_ piece: Int) throws {
        let scratch = try RecordScratch()
        scratch.append(Self.call)
        try Self.damage(piece, in: scratch)
        Self.check(try #require(scratch.assemble().first), piece, isSettled: true)
    }

    @Test("does so where the exchange was interrupted", arguments: 0..<8)
    func interrupted(_ piece: Int) throws {
        let scratch = try RecordScratch()
        let call = Self.call
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        for piece in call.pieces { #expect(scratch.chunk(open, piece)) }
        try Self.damage(piece, in: scratch)
        Self.check(try #require(scratch.interrupt().first), piece, isSettled: false)
    }

    @Test("takes with it what comes behind where the frames have left the ring, too")
    func spilled() throws {
        let scratch = try RecordScratch(journalBytes: 128 << 10)
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(
            capture: Capture(bytesMax: 4 << 20), metrics: metrics)
        var call = RecordScratch.Call()
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        for number in 0..<600 {
            let piece =
                Array("data: {\"n\":\(number)}\n\n".utf8)
                + [UInt8](repeating: 0x0A, count: 1000)
            if number == 300 { scratch.skip(piece.count, of: open) }
            call.pieces.append(piece)
            #expect(try scratch.await { scratch.chunk(open, piece) })
        }
        scratch.settle(open, call)
        #expect(try scratch.await { metrics.stored.current == 1 })
        let found = try #require(try store.records(named: open.identifier.description).first)
        #expect(found.record.responseBody.bytes == call.pieces.prefix(300).flatMap { $0 })
        #expect(found.record.responseBody.isCut && found.record.droppedFrames == 1)
        consumer.end()
    }

    @Test("is not looked for in a journal of before, which does not say where pieces begin")
    func unknown() throws {
        let scratch = try RecordScratch()
        let call = Self.call
        let open = try #require(scratch.begin(call))
        scratch.head(open, call)
        for piece in call.pieces {
            let tag = JournalWriter.FrameTag(
                exchange: open.number, attempt: 1, time: scratch.tick())
            scratch.writer.append(.chunk, tag, piece.span)
        }
        scratch.settle(open, call)
        let record = try #require(scratch.assemble().first)
        #expect(record.responseBody.bytes == Array(Self.answerPieces.joined().utf8))
        #expect(record.droppedFrames == 0 && record.usageState == .reported)
    }

    @Test("of exchanges without a journal the store knows how many they were")
    func unrecorded() throws {
        let scratch = try RecordScratch()
        let (consumer, store) = try scratch.consumer(metrics: RecordMetrics()) { settings in
            settings.unrecorded = { 53 }
        }
        let isKnown = try scratch.await {
            try store.losses().contains(RecordLoss(kind: .unrecorded, name: "", count: 53))
        }
        #expect(isKnown)
        consumer.end()
        #expect(try store.losses().count == 1)
    }
}
