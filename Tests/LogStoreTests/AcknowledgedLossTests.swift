import GRDB
import Glibc
import Journal
import Primitives
import Support
import Telemetry
import Testing

@testable import LogStore

/// Losses that an operator has said to know of.
@Suite("Acknowledged losses")
struct AcknowledgedLossTests {
    private static func store(_ folder: ScratchFolder) throws -> Store {
        let store = try Store(folder: folder.path)
        for number in 1...3 {
            try store.insert([SegmentScratch.record(UInt64(number), bytes: 900)])
            store.sealSegment()
        }
        return store
    }

    private static func names(_ losses: [RecordLoss]) -> [String] {
        losses.map { "\($0.kind.rawValue) \($0.name) \($0.count)" }
    }

    @Test("every loss that is final can be known, until there is more of it")
    func kinds() throws {
        let folder = try ScratchFolder("known")
        var store = try Store(folder: folder.path)
        for kind in RecordLoss.Kind.allCases {
            let loss = RecordLoss(kind: kind, name: "x", count: 2)
            try store.acknowledge([loss], now: 7)
            try store.close()
            store = try Store(folder: folder.path)
            let table: [(RecordLoss, isKnown: Bool)] = [
                (loss, true),
                (RecordLoss(kind: kind, name: "x", count: 1), true),
                (RecordLoss(kind: kind, name: "x", count: 3), false),
                (RecordLoss(kind: kind, name: "y", count: 2), false),
            ]
            for (seen, isKnown) in table {
                let report = try store.report([seen])
                let expected = isKnown && kind != .indexDamage
                #expect(report.new == (expected ? [] : [seen]), "\(seen)")
                #expect(report.acknowledged.map(\.loss) == (expected ? [seen] : []))
                #expect(report.acknowledged.allSatisfy { $0.time == 7 })
            }
            for other in RecordLoss.Kind.allCases where other != kind {
                let seen = RecordLoss(kind: other, name: "x", count: 2)
                #expect(try store.report([seen]).new == [seen])
            }
        }
        try store.close()
    }

    @Test("what was known keeps its time, what is not there any more is forgotten")
    func again() throws {
        let folder = try ScratchFolder("known")
        let store = try Store(folder: folder.path)
        let first = RecordLoss(kind: .segmentMissing, name: "1")
        let second = RecordLoss(kind: .journalDamage, name: "j", count: 2)
        try store.acknowledge([first, second], now: 1)
        try store.acknowledge([second, RecordLoss(kind: .journalAside, name: "a")], now: 2)
        let report = try store.report([first, second])
        #expect(report.new == [first] && report.acknowledged.map(\.time) == [1])
        let more = RecordLoss(kind: .journalDamage, name: "j", count: 3)
        try store.acknowledge([more], now: 3)
        #expect(try store.report([more]).acknowledged.map(\.time) == [3])
        try store.close()
    }

    @Test("a segment that was put back is new when it goes once more")
    func returned() throws {
        let folder = try ScratchFolder("known")
        let store = try Self.store(folder)
        let (path, away) = (store.segments.path(of: 2), "\(folder.path)/away")
        #expect(unsafe rename(path, away) == 0)
        try store.acknowledge(try store.losses(), now: 1)
        let known = try store.reviewLosses().acknowledged.map(\.loss)
        #expect(Self.names(known) == ["segment_missing 2 1"])
        #expect(unsafe rename(away, path) == 0)
        #expect(try store.reviewLosses() == LossReport())
        #expect(unsafe rename(path, away) == 0)
        #expect(try Self.names(store.reviewLosses().new) == ["segment_missing 2 1"])
        unsafe unlink(away)
        try store.close()
    }

    @Test("a gateway that runs sees what another process acknowledges")
    func beside() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics) {
            $0.lookEvery = .milliseconds(1)
        }
        func counts(_ new: Int, _ known: Int) throws -> Bool {
            try scratch.await {
                metrics.newLosses.current == new && metrics.acknowledgedLosses.current == known
            }
        }
        for count in 1...2 {
            scratch.append(RecordScratch.Call())
            #expect(try scratch.await { metrics.stored.current == count })
            store.sealSegment()
        }
        #expect(try counts(0, 0))
        unsafe unlink(store.segments.path(of: 1))
        #expect(try counts(1, 0))
        let other = try Store(changing: scratch.folder.path)
        try other.acknowledge(try other.losses(), now: 1)
        #expect(try counts(0, 1))
        unsafe unlink(store.segments.path(of: 2))
        #expect(try counts(1, 1))
        try other.acknowledge(try other.losses(), now: 2)
        try other.close()
        #expect(try counts(0, 2))
        #expect(metrics.missingSegments.current == 2)
        consumer.end()
    }

    @Test("no command closes an index whose log only a start can mend")
    func damagedLog() throws {
        let folder = try ScratchFolder("known")
        let copy = try ScratchFolder("known-copy")
        let store = try Store(folder: folder.path)
        try store.insert([SegmentScratch.record(1)])
        let names = ["weir.db", "weir.db-wal", "segments"].map { "\(folder.path)/\($0)" }
        #expect(try ChildProcess("/bin/cp", ["-r"] + names + [copy.path]).wait() == 0)
        try store.close()
        let log = "\(Store.path(in: copy.path))-wal"
        for offset in [2000, 3000] {
            let file = unsafe open(log, O_RDWR)
            #expect(unsafe pwrite(file, "wrong", 5, off_t(offset)) == 5)
            close(file)
        }
        #expect(throws: Store.Failure.self) { try Store(changing: copy.path) }
        let next = try Store(folder: copy.path)
        let lost = try next.losses()
        #expect(!lost.isEmpty && lost.allSatisfy { $0.kind == .indexBehind }, "\(lost)")
        try next.close()
    }

    @Test("a file that takes the database's path is another one, whatever its number")
    func numbers() throws {
        let folder = try ScratchFolder("number")
        let store = try Store(folder: folder.path)
        #expect(store.isAtItsPath)
        let path = Store.path(in: folder.path)
        // The number of the first one is free only once no process has it open.
        for _ in 0..<100 {
            unsafe unlink(path)
            #expect(!store.isAtItsPath)
            close(unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600))
            #expect(!store.isAtItsPath)
        }
        try store.insert([SegmentScratch.record(1)])
        #expect(!store.isAtItsPath)
    }
}
