import Primitives
import Testing

@testable import Fleet

@Suite("The breaker before the store")
struct StoreContactTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static func after(_ milliseconds: Int64) -> Instant {
        start + .milliseconds(milliseconds)
    }

    @Test("says once that the store is away, and once that it is back")
    func changes() {
        var contact = StoreContact(now: Self.start)
        #expect(contact.isAway)
        #expect(contact.failed(now: Self.after(1), jitter: 0) == .lost)
        for time in 2..<9 {
            #expect(contact.failed(now: Self.after(Int64(time)), jitter: 0) == nil)
        }
        #expect(contact.answered(now: Self.after(10)) == .reached)
        #expect(contact.answered(now: Self.after(20)) == nil)
        #expect(!contact.isAway && contact.failures == 0)
    }

    @Test("is open after three failures in a row, or one after a second without an answer")
    func opens() {
        var contact = StoreContact(now: Self.start)
        _ = contact.answered(now: Self.start)
        #expect(contact.failed(now: Self.after(250), jitter: 0) == nil)
        #expect(contact.failed(now: Self.after(500), jitter: 0) == nil)
        _ = contact.answered(now: Self.after(550))
        for (time, change) in [(800, nil), (850, nil), (900, .lost)]
            as [(Int64, StoreContact.Change?)]
        {
            #expect(contact.failed(now: Self.after(time), jitter: 0) == change)
        }
        _ = contact.answered(now: Self.after(1000))
        #expect(contact.failed(now: Self.after(2100), jitter: 0) == .lost)
    }

    @Test("tries later and later, and never later than a lease allows", arguments: [0.0, 0.5, 1.0])
    func pauses(_ jitter: Double) {
        var contact = StoreContact(now: Self.start)
        var pauses: [Interval] = []
        for _ in 0..<20 {
            _ = contact.failed(now: Self.start, jitter: jitter)
            pauses.append(contact.nextTry - Self.start)
        }
        #expect(pauses == pauses.sorted() && pauses[0] >= .milliseconds(25))
        #expect(pauses[19] >= .milliseconds(500) && pauses[19] <= .milliseconds(1000))
    }
}
