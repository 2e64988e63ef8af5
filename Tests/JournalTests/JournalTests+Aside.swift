import CJournal
import Glibc
import Journal
import Primitives
import Reactor
import Support
import Synchronization
import Testing

// Pieces beside the file.
extension JournalTests {
    @Test("pieces beside the file are read by the process that is given their memory, once")
    func sharedAside() throws {
        let scratch = try JournalScratch()
        var random = RandomSource(seed: 4)
        let file = try scratch.folder.makeJournal(
            capacity: 64 << 10, keepsContentAside: true, using: &random)
        var writer = JournalWriter(file, waker: try Waker())
        let began = writer.begin(Array("b".utf8).span, time: JournalScratch.time)
        let tag = JournalWriter.FrameTag(
            exchange: try #require(began), attempt: 1, time: JournalScratch.time)
        func open() throws -> JournalFile {
            let descriptor = try #require(file.contentDescriptor)
            return try JournalFile(opening: file.path, content: try Socket.duplicate(descriptor))
        }
        let pieces = [[UInt8](repeating: 1, count: 100), [UInt8](repeating: 2, count: 50)]
        for piece in pieces { _ = writer.appendBodyAside(.chunk, tag, piece.span, at: 0) }
        var reader = JournalReader(try open())
        #expect(JournalScratch.frames(&reader).dropFirst().map(\.payload) == pieces)
        // Another reads all of it again: what was read is gone, and what is new is there.
        let new = [UInt8](repeating: 3, count: 70)
        _ = writer.appendBodyAside(.chunk, tag, new.span, at: 0)
        var missing: [Int] = []
        var again = JournalReader(try open(), from: 0)
        again.read { frame in
            if frame.kind == .chunk { missing.append(frame.missingBytes) }
            return true
        }
        #expect(missing == [100, 50, 0])
    }

    @Test("pieces beside the file keep their order, and are gone with their process")
    func aside() throws {
        let folder = try JournalScratch().folder
        var random = RandomSource(seed: 3)
        unsafe mkdir(folder.path, 0o700)
        let file = try folder.makeJournal(
            capacity: 64 << 10, keepsContentAside: true, using: &random)
        defer { unsafe unlink(file.path) }
        var writer = JournalWriter(file, waker: try Waker())
        var reader = JournalReader(file)
        func tag(_ exchange: UInt64) -> JournalWriter.FrameTag {
            JournalWriter.FrameTag(exchange: exchange, attempt: 1, time: JournalScratch.time)
        }
        // Many times around both rings.
        for round in 0..<400 {
            let began = writer.begin(Array("b".utf8).span, time: JournalScratch.time)
            let exchange = try #require(began)
            let piece = [UInt8](repeating: UInt8(1 + round % 255), count: 900 + round)
            let isAside = writer.appendBodyAside(.chunk, tag(exchange), piece.span, at: 0)
            let isKept = writer.appendBody(.chunk, tag(exchange), Array("kept".utf8).span, at: 0)
            #expect(isAside && isKept)
            if round == 399 {
                let bytes = try Self.bytes(of: file.path)
                #expect(bytes.firstRange(of: Array(piece.prefix(64))) == nil)
                var again = JournalReader(try JournalFile(opening: file.path))
                var missing = 0
                again.read { frame in
                    missing += frame.missingBytes
                    return true
                }
                #expect(missing == piece.count)
            }
            writer.settle(tag(exchange), Array("e".utf8).span)
            let seen = JournalScratch.frames(&reader)
            #expect(seen.map(\.kind) == [.begin, .chunk, .chunk, .settlement])
            #expect(seen[1].payload == piece && seen[2].payload == Array("kept".utf8))
            file.release(upTo: reader.cursor)
        }
        // What finds no room beside the file is dropped, and nothing else.
        let began = writer.begin(Array("b".utf8).span, time: JournalScratch.time)
        let exchange = try #require(began)
        let large = [UInt8](repeating: 1, count: 70 << 10)
        let isLargeWritten = writer.appendBodyAside(.chunk, tag(exchange), large.span, at: 0)
        let small = Array(large[..<9000])
        let isSmallWritten = writer.appendBodyAside(.chunk, tag(exchange), small.span, at: 0)
        #expect(!isLargeWritten && isSmallWritten)
    }
}
