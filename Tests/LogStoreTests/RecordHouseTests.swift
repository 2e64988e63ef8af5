import GRDB
import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import LogStore

/// What keeps a record in order over months.
@Suite("The record's house")
struct RecordHouseTests {
    @Test("a clock that starts far ahead is believed when it is synchronized, or after a day")
    func clock() {
        let day = 24 * 3600 * 1_000_000
        let newest = 1_000 * day
        let start = Instant(nanoseconds: 5)
        for (wall, hours, isSynchronized, isBelieved) in [
            (newest + day - 1, 0, false, true), (newest - day, 0, false, true),
            (newest + day, 0, false, false), (newest + 9000 * day, 23, false, false),
            (newest + 9000 * day, 25, false, true), (newest + 9000 * day, 0, true, true),
        ] {
            var trust = ClockTrust(newestMicroseconds: newest, now: start)
            let now = start + .seconds(Int64(hours) * 3600)
            #expect(
                trust.isBelieved(wallMicroseconds: wall, now: now) { isSynchronized } == isBelieved)
            // Once believed, it is not asked again.
            #expect(
                trust.isBelieved(wallMicroseconds: wall + 9000 * day, now: now) { isSynchronized }
                    == isBelieved)
        }
        var empty = ClockTrust(newestMicroseconds: 0, now: start)
        #expect(empty.isBelieved(wallMicroseconds: newest, now: start) { false })
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
        #expect(try store.newestBelieved() == 1_000_000)
        isSynchronized.store(true, ordering: .relaxed)
        #expect(try scratch.await { try store.count(RecordFilter()) == 0 })
        consumer.end()
        #expect(try store.newestBelieved() == 0)
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
