import Glibc
import Journal
import Primitives
import Testing

@Suite("Lost pages of journals")
struct LostPagesTests {
    private static let headBytes = 64 << 10
    private static let capacity = 256 << 10

    /// A file may be cut off in its head, behind it, and in its ring.
    @Test(
        "a file that is cut off under its writer ends nothing, and what is written later is read",
        arguments: [0, 4096, 8192, 64 << 10, (64 << 10) + 4096, (64 << 10) + (200 << 10)])
    func cut(to bytes: Int) throws {
        // Before the first lap's end, at it, and far behind it.
        for laps in [0, 3, 20] {
            let scratch = try JournalScratch(capacity: Self.capacity)
            var reader = JournalReader(scratch.file)
            var begun = 0
            func write(_ count: Int) {
                for _ in 0..<count {
                    guard let exchange = scratch.begin() else { continue }
                    begun += 1
                    #expect(
                        scratch.body(exchange, [UInt8](repeating: UInt8(begun % 251), count: 900)))
                    scratch.settle(exchange)
                }
            }
            for _ in 0..<laps {
                write(100)
                _ = JournalScratch.frames(&reader)
                scratch.file.release(upTo: reader.cursor)
            }
            write(20)
            #expect(truncate(scratch.file.path, off_t(bytes)) == 0)
            let cursor = scratch.file.writeCursor
            write(20)
            #expect(scratch.file.openCount == 0)
            #expect(scratch.file.writeCursor > cursor && scratch.file.tally.emitted == begun)
            // What was there may be lost; what came since is not, around the ring and again.
            var seen = JournalScratch.frames(&reader)
            #expect(reader.cursor == scratch.file.writeCursor)
            for frame in seen where frame.kind == .chunk {
                #expect(frame.payload == [UInt8](repeating: frame.payload[0], count: 900))
            }
            let late = Set(seen.filter { $0.exchange > UInt64(begun - 20) }.map(\.exchange))
            #expect(late.count == 20, "\(laps)")
            for _ in 0..<4 {
                scratch.file.release(upTo: reader.cursor)
                write(100)
                seen = JournalScratch.frames(&reader)
                #expect(seen.count == 300 && reader.isAtEnd)
            }
            #expect(scratch.file.isLost, "\(laps)")
        }
    }

    @Test("a file that is cut off under its reader is read to its end, and no further")
    func cutUnderReader() throws {
        for bytes in [0, 4096, Self.headBytes, Self.headBytes + 8192] {
            let scratch = try JournalScratch(capacity: Self.capacity)
            for _ in 0..<100 {
                let exchange = try #require(scratch.begin())
                #expect(scratch.body(exchange, [UInt8](repeating: 7, count: 900)))
                scratch.settle(exchange)
            }
            let path = scratch.file.path
            let other = try JournalFile(opening: path)
            var reader = JournalReader(other)
            let written = other.writeCursor
            #expect(truncate(path, off_t(bytes)) == 0)
            let seen = JournalScratch.frames(&reader)
            #expect(seen.count <= 3 * 8192 / 900 && reader.isAtEnd)
            #expect(other.isLost && other.writeCursor == written)
            other.release(upTo: reader.cursor)
            // At the next start it is no journal.
            #expect(throws: JournalFile.Unusable.self) { try JournalFile(opening: path) }
        }
    }

    private func truncate(_ path: String, _ bytes: off_t) -> Int32 {
        unsafe Glibc.truncate(path, bytes)
    }
}
