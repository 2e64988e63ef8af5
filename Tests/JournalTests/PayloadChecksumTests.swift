import Journal
import Primitives
import Testing

/// Checksums of payloads that are worked out from their frames', and rings whose pages stay.
@Suite("Payload checksums")
struct PayloadChecksumTests {
    @Test(
        "a payload's checksum that is worked out from its frame's is that of its bytes",
        arguments: [1, 8, 31, 255, 256, 257, 4097, 65_535, 65_536, 65_537, 100_000, 300_001])
    func derived(_ count: Int) throws {
        let scratch = try JournalScratch(capacity: 1 << 20)
        var random = RandomSource(seed: UInt64(count))
        let piece = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
        let exchange = try #require(scratch.begin())
        let position = scratch.file.writeCursor
        #expect(scratch.body(exchange, piece))
        for seed: UInt32 in [0, 1, 0xFFFF_FFFF, 0x1234_5678] {
            var whole = Checksum(seed: seed)
            whole.add(Array("before".utf8).span)
            var derived = whole
            whole.add(piece.span)
            unsafe scratch.file.lendPayload(at: position, count: count) { _, known in
                if let known { derived.add(known) }
            }
            #expect(derived.value == whole.value)
            // Bytes may follow.
            whole.add(Array("after".utf8).span)
            derived.add(Array("after".utf8).span)
            #expect(derived.value == whole.value)
        }
        // Of a part there is none.
        unsafe scratch.file.lendPayload(at: position, count: count - 1) { _, known in
            #expect(known == nil)
        }
    }

    @Test("pages that stayed for a while are given up but for those at the cursors")
    func kept() throws {
        let scratch = try JournalScratch(capacity: 1 << 20)
        let piece = [UInt8](repeating: 7, count: 4000)
        // More than a lap, so that frames stand at both ends of the ring.
        for _ in 0..<60 {
            let exchange = try #require(scratch.begin())
            for _ in 0..<5 { #expect(scratch.body(exchange, piece)) }
            scratch.settle(exchange)
            var reader = JournalReader(scratch.file)
            #expect(JournalScratch.frames(&reader).count == 7)
            scratch.file.release(upTo: reader.cursor, keepsPages: true)
        }
        #expect(scratch.file.writeCursor > UInt64(scratch.file.capacity))
        let exchange = try #require(scratch.begin())
        #expect(scratch.body(exchange, piece))
        let near = scratch.file.readCursor..<scratch.file.writeCursor
        for range in [near, near.lowerBound..<near.lowerBound + UInt64(scratch.file.capacity)] {
            scratch.file.unmapPages(outside: range)
            // What is in the ring is there all the same.
            #expect(scratch.frames().map(\.payload).last == piece)
        }
    }
}
