import Primitives
import Testing

@testable import Journal

@Suite("Forged lengths in a journal")
struct ForgedLengthTests {
    /// Bytes that look like the head of a frame with a payload of this length.
    private static func forged(_ length: UInt32) -> [UInt8] {
        var bytes: [UInt8] = [1, 2, 3, 4]
        for shift: UInt32 in [0, 8, 16, 24] {
            bytes.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        bytes += [0xE1, 0x57, FrameKind.chunk.rawValue, 1]
        return bytes + [UInt8](repeating: 0, count: 20)
    }

    @Test(
        "cost no more than a multiple of the bytes, and reading goes on behind them",
        arguments: [0, 100, 1 << 20, 3 << 20, .max] as [UInt32])
    func reading(_ length: UInt32) throws {
        let scratch = try JournalScratch(capacity: 8 << 20)
        let first = try #require(scratch.begin())
        let body = (0..<100_000).flatMap { _ in Self.forged(length) }
        #expect(scratch.body(first, body))
        scratch.settle(first)
        let second = try #require(scratch.begin("after"))
        scratch.settle(second)
        // The head of the frame that holds them is damaged, so that reading goes on in its body.
        let whole = scratch.frames()
        #expect(whole.count == 5)
        let damaged = UInt64(FrameHeader.footprint(7))
        unsafe scratch.file.address(damaged).storeBytes(of: 0, as: UInt32.self)
        var reader = JournalReader(scratch.file)
        let seen = JournalScratch.frames(&reader)
        let (vain, damage) = (reader.vainBytes, reader.damageCount)
        #expect(damage == 1)
        #expect(vain <= 8 << 20 + 4 << 20 + 16 * body.count)
        #expect(seen.first == whole.first)
        #expect(seen.suffix(3).map(\.kind) == whole.suffix(3).map(\.kind))
    }

    @Test("in frames that were taken out end the reading, and nothing is allocated by them")
    func stored() {
        for length: UInt32 in [1, 33, 1 << 30, .max] {
            var count = 0
            StoredFrames.read(Self.forged(length).span) { _ in count += 1 }
            #expect(count == 0)
        }
    }
}
