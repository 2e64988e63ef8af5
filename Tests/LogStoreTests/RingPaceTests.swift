import Glibc
import Journal
import Primitives
import Testing

@testable import LogStore

@Suite("Ring pace")
struct RingPaceTests {
    private static func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: 5) + .milliseconds(milliseconds)
    }

    @Test("pages stay while much goes through a ring, and ten seconds longer")
    func decision() {
        let much = RingPace.fastBytes
        // Milliseconds, bytes, and whether pages stay and must go then.
        let steps: [(Int64, UInt64, isFast: Bool, isOver: Bool)] = [
            (0, much / 2, false, false), (900, much / 2 - 1, false, false),
            // Another second begins.
            (1000, 1, false, false), (1999, much - 1, true, false),
            (2000, 0, true, false), (11_998, 0, true, false), (11_999, 0, false, true),
            (12_000, 0, false, false), (13_000, much, true, false),
            (22_999, much, true, false), (32_998, 5, true, false), (32_999, 5, false, true),
        ]
        var pace = RingPace()
        for (time, bytes, isFast, isOver) in steps {
            let hasSlowedDown = pace.hasSlowedDown(after: bytes, now: Self.at(time))
            #expect(hasSlowedDown == isOver, "\(time)")
            #expect(pace.isFast == isFast, "\(time)")
        }
    }

    @Test(
        "a bit that flips in a long body is found by the process that wrote it, or by another",
        arguments: [true, false])
    func flipped(_ isLeft: Bool) throws {
        let scratch = try RecordScratch()
        let capture = Capture(bytesMax: 1 << 20)
        let store = try Store(folder: scratch.folder.path)
        var call = RecordScratch.Call()
        let filling = String(repeating: "a", count: 9000)
        call.request = Array("{\"model\":\"m-1\",\"text\":\"canary\(filling)\"}".utf8)
        for _ in 0..<3 { #expect(scratch.append(call) != nil) }
        try Self.flip("canary", in: scratch.file.path)
        let source = JournalSource(scratch.file, from: nil, isLeft: isLeft, capture: capture)
        var batch = Batch()
        source.read(into: &batch, recordsMax: 100, now: .now())
        _ = source.release(into: &batch, now: .now())
        #expect(source.takeDamage() == (isLeft ? 1 : 0))
        _ = try store.write(batch, capture: capture)
        var damaged: [[String]] = []
        try store.eachRecord(RecordFilter(), withBodies: true) { stored in
            damaged.append(stored.faults.map(\.part))
        }
        // One record alone, whose body is missing or said to be damaged.
        #expect(damaged == [isLeft ? [] : ["request_body"], [], []])
        var sizes: [Int] = []
        try store.eachRecord(RecordFilter(), withBodies: true) { stored in
            sizes.append(stored.record.requestBody.bytes.count)
        }
        #expect(sizes == [0, call.request.count, call.request.count])
    }

    /// Flips a bit of the first bytes like these in a file.
    private static func flip(_ text: String, in path: String) throws {
        let descriptor = unsafe open(path, O_RDWR)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256 << 10)
        let count = unsafe pread(descriptor, &bytes, bytes.count, 0)
        #expect(count == bytes.count)
        let found = try #require(bytes.firstRange(of: Array(text.utf8)))
        var byte = bytes[found.lowerBound] ^ 1
        #expect(unsafe pwrite(descriptor, &byte, 1, off_t(found.lowerBound)) == 1)
    }
}
