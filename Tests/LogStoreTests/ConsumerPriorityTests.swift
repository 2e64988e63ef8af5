import Glibc
import Journal
import Logging
import Primitives
import Reactor
import Synchronization
import Telemetry
import Testing

@testable import LogStore

@Suite("Consumer priority")
struct ConsumerPriorityTests {
    private static func at(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: 0) + .milliseconds(milliseconds)
    }

    @Test("the rounds go into the background after a second of little, and come back at once")
    func decision() {
        var priority = ConsumerPriority(now: Self.at(0))
        #expect(priority.level == .usual)
        priority.update(isMuch: false, now: Self.at(999))
        #expect(priority.level == .usual)
        priority.update(isMuch: false, now: Self.at(1000))
        #expect(priority.level == .background)
        priority.update(isMuch: true, now: Self.at(1001))
        #expect(priority.level == .usual)
        // Little in between is no calm: every change costs two threads their caches.
        for round in 0..<40 {
            priority.update(isMuch: round % 10 == 0, now: Self.at(1100 + 100 * Int64(round)))
            #expect(priority.level == .usual)
        }
        priority.update(isMuch: false, now: Self.at(6200))
        #expect(priority.level == .background)
    }

    @Test("little is stored in the background, much with a usual share, in either thread")
    func threads() throws {
        let scratch = try RecordScratch()
        let store = try Store(folder: scratch.folder.path)
        var settings = Consumer.Settings(
            folder: scratch.folder, store: store, capture: Capture(bytesMax: 1 << 20),
            retain: .zero, syncEvery: .zero, metrics: RecordMetrics(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let niceness = Atomic<Int>(-1)
        let who = __priority_which_t(PRIO_PROCESS.rawValue)
        let own = Int(getpriority(who, 0))
        settings.stored = { niceness.store(Int(getpriority(who, 0)), ordering: .releasing) }
        let consumer = try Consumer(settings, journals: [scratch.file], waker: scratch.waker)
        var call = RecordScratch.Call()
        for _ in 0..<2 {
            #expect(
                try scratch.await {
                    scratch.append(call)
                    return niceness.load(ordering: .acquiring) == 19
                })
            // More than the ring has to hold for it to be much.
            call.request = [UInt8](repeating: 0x20, count: scratch.file.capacity / 8)
            #expect(
                try scratch.await {
                    scratch.append(call)
                    return niceness.load(ordering: .acquiring) == own
                })
            call.request = Array("{}".utf8)
        }
        consumer.end()
        let account = try store.account(folder: scratch.folder.path)
        #expect(account.difference == 0 && account.pending == 0)
    }
}
