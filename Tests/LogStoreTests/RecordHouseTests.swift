import GRDB
import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Support
import Synchronization
import Telemetry
import Testing

@testable import LogStore

/// What keeps a record in order over months.
@Suite("The record's house")
struct RecordHouseTests {
    private static let hour = 3600 * 1_000_000
    private static let day = 24 * hour
    /// The time that it is in these tests.
    private static let present = 20_000 * day

    @Test("a clock is believed less than a day ahead of the last that was, or after it ran a day")
    func clock() {
        typealias Run = (ahead: Int, hours: Int)
        let year = 400 * 24
        // Starts one after the other, each with its clock, in hours ahead of what is right, and for
        // how long it runs; whether the last one is believed at its end.
        let table: [(runs: [Run], isBelieved: Bool)] = [
            ([(0, 1)], true), ([(0, 1), (23, 0)], true), ([(0, 1), (25, 0)], false),
            ([(0, 1), (-year, 0)], true), ([(0, 1), (year, 23)], false),
            ([(0, 1), (year, 25)], true),
            // Twice and more often the same way.
            ([(0, 1), (year, 0), (0, 1), (year, 0)], false),
            ([(0, 1), (year, 0), (year, 0), (year, 0)], false),
            ([(0, 1), (year, 1), (0, 30), (year, 1), (0, 30), (year, 1)], false),
            // A day in parts counts where the clock went on; another clock begins anew.
            ([(0, 1), (year, 9), (year, 9), (year, 9)], true),
            ([(0, 1), (year, 20), (2 * year, 20)], false),
            ([(0, 1), (year, 20), (0, 1), (year, 20)], false),
            // One that was believed by mistake is taken back when the right one has run an hour.
            ([(year, 1), (0, 2), (year, 0)], false), ([(year, 1), (0, 0), (year, 0)], true),
            // A board that begins in 1970 is believed once its clock is right.
            ([(0, 1), (-20_000 * 24, 0), (1, 0)], true),
        ]
        for row in table {
            var memory = ClockTrust.Memory()
            var now = Instant(nanoseconds: 5)
            var wall = Self.present
            var isBelieved = false
            for run in row.runs {
                var trust = ClockTrust(memory, now: now)
                for step in 0...run.hours {
                    if step > 0 {
                        now = now + .seconds(3600)
                        wall += Self.hour
                    }
                    isBelieved = trust.look(
                        wallMicroseconds: wall + run.ahead * Self.hour, now: now
                    ) { false }
                }
                memory = trust.memory
            }
            #expect(isBelieved == row.isBelieved, "\(row.runs)")
        }
    }

    @Test("a clock that is synchronized is believed, and one that jumps while it runs is doubted")
    func jump() {
        let now = Instant(nanoseconds: 5)
        var trust = ClockTrust(ClockTrust.Memory(believed: Self.present), now: now)
        let far = Self.present + 400 * Self.day
        #expect(trust.look(wallMicroseconds: Self.present, now: now) { false })
        #expect(!trust.look(wallMicroseconds: far, now: now) { false })
        #expect(trust.look(wallMicroseconds: Self.present, now: now) { false })
        #expect(trust.look(wallMicroseconds: far, now: now) { true })
        #expect(trust.look(wallMicroseconds: far, now: now) { false })
    }

    @Test("what is remembered of the clock is that of an earlier version, or the newest record's")
    func remembered() throws {
        let folder = try ScratchFolder("clock")
        let store = try Store(folder: folder.path)
        #expect(try store.clock(wallMicroseconds: 9) == ClockTrust.Memory())
        try store.insert([SegmentScratch.record(1)])
        #expect(try store.clock(wallMicroseconds: Self.present).believed == 1_000_000)
        #expect(try store.clock(wallMicroseconds: 9).believed == 9)
        let memory = ClockTrust.Memory(believed: 7, doubted: 8, doubtedFor: 9)
        try store.remember(memory)
        #expect(try store.clock(wallMicroseconds: Self.present) == memory)
    }

    @Test("nothing is removed for its age before the clock is believed")
    func doubt() throws {
        let scratch = try RecordScratch()
        let isSynchronized = Atomic<Bool>(false)
        let asked = Atomic<Int>(0)
        // Of 2023: the clock of now is far ahead.
        scratch.append(RecordScratch.Call())
        let first = try Store(folder: scratch.folder.path)
        try first.insert([SegmentScratch.record(1)])
        try first.close()
        let (consumer, store) = try scratch.consumer(retain: .seconds(3600)) {
            $0.isClockSynchronized = {
                asked.add(1, ordering: .relaxed)
                return isSynchronized.load(ordering: .relaxed)
            }
        }
        #expect(try scratch.await { asked.load(ordering: .relaxed) > 2 })
        #expect(try store.count(RecordFilter()) >= 1)
        // The next start doubts it, too, though records of this clock are there.
        #expect(try store.clock(wallMicroseconds: .max).believed == 1_000_000)
        isSynchronized.store(true, ordering: .relaxed)
        #expect(try scratch.await { try store.count(RecordFilter()) == 0 })
        consumer.end()
        #expect(try store.clock(wallMicroseconds: .max).believed > Self.present)
    }

    @Test("what is too old goes with the first round, however short the process lives")
    func first() throws {
        let scratch = try RecordScratch()
        let first = try Store(folder: scratch.folder.path)
        try first.insert([SegmentScratch.record(1)])
        try first.close()
        let (consumer, store) = try scratch.consumer(retain: .seconds(3600)) {
            $0.retireEvery = .seconds(1 << 20)
            $0.isClockSynchronized = { true }
        }
        #expect(try scratch.await { try store.count(RecordFilter()) == 0 })
        consumer.end()
    }

    @Test("a folder that is removed under the process is noticed, and said")
    func folder() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics) {
            $0.lookEvery = .milliseconds(1)
        }
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 1 })
        #expect(metrics.currentTrouble.isEmpty && store.isAtItsPath)
        let path = Store.path(in: scratch.folder.path)
        #expect(unsafe rename(path, "\(path).away") == 0)
        #expect(try scratch.await { metrics.currentTrouble.contains("removed or replaced") })
        // What goes on to be stored does not take it back.
        scratch.append(RecordScratch.Call())
        #expect(try scratch.await { metrics.stored.current == 2 })
        #expect(metrics.currentTrouble.contains("removed or replaced"))
        consumer.end()
        #expect(unsafe rename("\(path).away", path) == 0)
    }

    @Test("rows that were deleted by another hand show")
    func missing() throws {
        let scratch = try RecordScratch()
        let metrics = RecordMetrics()
        let (consumer, store) = try scratch.consumer(metrics: metrics)
        for _ in 0..<5 { scratch.append(RecordScratch.Call()) }
        #expect(try scratch.await { metrics.stored.current == 5 })
        consumer.end()
        #expect(try store.missingRows() == 0)
        #expect(try store.retire(before: .max) == 5)
        #expect(try store.missingRows() == 0)
        try store.insert([SegmentScratch.record(1), SegmentScratch.record(2)])
        try store.database.write { db in
            try db.execute(sql: "UPDATE journals SET stored = stored + 2")
            try db.execute(sql: "DELETE FROM exchanges WHERE number = 6")
        }
        #expect(try store.missingRows() == 1)
    }

    @Test("what waits for an hour, or keeps room that is short, is packed without idle time")
    func pressure() throws {
        for (age, bytes, bytesMax, isDue) in [
            (3599, 1 << 40, 0, false), (3600, 0, 0, true), (0, 79, 100, false),
            (0, 80, 100, true), (0, 0, 100, false), (0, 1 << 40, 1 << 40, true),
        ] as [(Int64, Int, Int, Bool)] {
            let pressure = PackingPressure(bytesMax: bytesMax)
            #expect(pressure.isDue(age: .seconds(age), bytes: bytes) == isDue, "\(bytes)")
        }
        #expect(PackingPressure.rest(after: .milliseconds(10)) == .milliseconds(30))

        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        for number in UInt64(1)...3 {
            try store.insert([SegmentScratch.record(number, bytes: 9000)])
            if number < 3 { store.sealSegment() }
        }
        let none = PackingPressure(bytesMax: 0)
        #expect(try store.dueSegments(none) == [])
        let short = PackingPressure(bytesMax: store.segments.bytes)
        #expect(try store.dueSegments(short) == [1, 2])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        SegmentPacker.packDue(store, short, logger, try Waker()) { true }
        #expect(try store.dueSegments(short) == [1, 2])
        do {
            // One that another has is left to it.
            let held = try SegmentFile.held(1, in: store.segments, waits: false)
            SegmentPacker.packDue(store, short, logger, try Waker()) { false }
            #expect(try store.dueSegments(short) == [1])
            withExtendedLifetime(held) {}
        }
        SegmentPacker.packDue(store, short, logger, try Waker()) { false }
        #expect(try store.dueSegments(short) == [])
        #expect(try store.verifyContents { _, _ in }.whole == 3)
    }
}
