import Config
import Primitives
import Testing

@testable import Access

@Suite("Limits")
struct LimitTests {
    private static let minute = RateWindow.Limit(count: 10, length: 60_000)

    /// Milliseconds since 1970 of a time.
    static func time(_ text: String) throws -> Int {
        try #require(Timestamp.microseconds(text)) / 1000
    }

    @Test("a window counts the share of the one before that lies in the interval")
    func sliding() {
        var window = RateWindow()
        window.advance(to: 60_000, Self.minute)
        for _ in 0..<10 {
            #expect(window.hasRoom(for: 1, now: 60_000, Self.minute))
            window.use(1)
        }
        #expect(!window.hasRoom(for: 1, now: 119_999, Self.minute))
        // At the beginning of the next window all ten count, later fewer.
        window.advance(to: 120_000, Self.minute)
        #expect(!window.hasRoom(for: 1, now: 120_000, Self.minute))
        #expect(window.hasRoom(for: 1, now: 126_000, Self.minute))
        #expect(!window.hasRoom(for: 2, now: 126_000, Self.minute))
        #expect(window.remaining(150_000, Self.minute) == 5)
        window.advance(to: 240_000, Self.minute)
        #expect(window.remaining(240_000, Self.minute) == 10)
    }

    @Test("a wait is the shortest after which there is room", arguments: 1...10)
    func waiting(_ amount: Int) throws {
        for used in [0, 1, 5, 10, 15, 47] {
            for instant in [60_000, 61_234, 119_999] {
                var window = RateWindow()
                window.advance(to: instant, Self.minute)
                window.use(used)
                let wait = try #require(window.wait(for: amount, now: instant, Self.minute))
                window.advance(to: instant + wait, Self.minute)
                #expect(window.hasRoom(for: amount, now: instant + wait, Self.minute))
                guard wait > 0 else { continue }
                var earlier = RateWindow()
                earlier.advance(to: instant, Self.minute)
                earlier.use(used)
                earlier.advance(to: instant + wait - 1, Self.minute)
                #expect(!earlier.hasRoom(for: amount, now: instant + wait - 1, Self.minute))
            }
        }
        #expect(RateWindow().wait(for: 11, now: 60_000, Self.minute) == nil)
    }

    @Test("a wait for a debt of any size is found at once", arguments: [1 << 36, 1 << 62])
    func longWait(_ used: Int) throws {
        var window = RateWindow()
        window.advance(to: 60_000, Self.minute)
        window.use(used)
        let wait = try #require(window.wait(for: 1, now: 60_000, Self.minute))
        guard used == 1 << 36 else {
            #expect(wait == 1 << 52)
            return
        }
        // Ten a minute are paid back.
        #expect(wait / 60_000 - used / 10 <= 1 && wait / 60_000 - used / 10 >= -1)
        window.advance(to: 60_000 + wait, Self.minute)
        #expect(window.hasRoom(for: 1, now: 60_000 + wait, Self.minute))
    }

    @Test("a request that went to no vendor is taken out of its own window")
    func givenBack() {
        var window = RateWindow()
        window.advance(to: 60_000, Self.minute)
        window.use(2)
        window.giveBack(began: 60_000)
        #expect(window.current == 1)
        window.advance(to: 120_000, Self.minute)
        window.use(1)
        window.giveBack(began: 60_000)
        #expect(window.current == 1 && window.previous == 0)
    }

    @Test("what was used beyond the limit is paid back, window by window")
    func debt() {
        var window = RateWindow()
        window.advance(to: 60_000, Self.minute)
        window.hold(3)
        window.settle(held: 3, used: 35, began: 60_000, Self.minute)
        #expect(window.held == 0)
        var left: [Int] = []
        for step in 2...6 {
            window.advance(to: step * 60_000, Self.minute)
            left.append(window.current)
        }
        #expect(left == [25, 15, 5, 0, 0])
        // The same in one step.
        var other = RateWindow()
        other.advance(to: 60_000, Self.minute)
        other.use(35)
        other.advance(to: 240_000, Self.minute)
        #expect(other.current == 5 && other.previous == 10)
        other.advance(to: 600_000_000_000, Self.minute)
        #expect(other.current == 0 && other.previous == 0)
    }

    @Test("a late settlement counts in the window of its beginning")
    func late() {
        var window = RateWindow()
        window.advance(to: 60_000, Self.minute)
        window.hold(4)
        window.advance(to: 121_000, Self.minute)
        #expect(window.held == 4 && window.current == 0)
        window.settle(held: 4, used: 6, began: 60_000, Self.minute)
        #expect(window.held == 0 && window.current == 0 && window.previous == 6)
        window.hold(4)
        window.settle(held: 4, used: 6, began: 1, Self.minute)
        #expect(window.current == 2, "of a call of long ago, what was not held for it")
    }

    @Test(
        "periods begin and end with the calendar, in UTC",
        arguments: [
            ("2026-11-29T22:00:01", BudgetPeriod.hour, "2026-11-29T22:00", "2026-11-29T23:00"),
            ("2026-12-31T23:59:59", .hour, "2026-12-31T23:00", "2027-01-01"),
            ("2026-11-29T23:59:59", .day, "2026-11-29", "2026-11-30"),
            ("2026-11-30T00:00:00", .day, "2026-11-30", "2026-12-01"),
            // A Sunday, and the Monday after it.
            ("2026-11-29T12:00", .week, "2026-11-23", "2026-11-30"),
            ("2026-11-30T00:00", .week, "2026-11-30", "2026-12-07"),
            ("2027-01-01T00:00", .week, "2026-12-28", "2027-01-04"),
            ("2026-01-31T23:59", .month, "2026-01-01", "2026-02-01"),
            ("2026-02-28T23:59", .month, "2026-02-01", "2026-03-01"),
            ("2028-02-29T12:00", .month, "2028-02-01", "2028-03-01"),
            ("2026-12-31T23:59", .month, "2026-12-01", "2027-01-01"),
            // Days on which clocks change elsewhere.
            ("2026-03-29T02:30", .day, "2026-03-29", "2026-03-30"),
            ("2026-10-25T02:30", .month, "2026-10-01", "2026-11-01"),
            ("1970-01-01", .week, "1969-12-29", "1970-01-05"),
        ])
    func periods(_ at: String, _ period: BudgetPeriod, _ start: String, _ end: String) throws {
        let now = try Self.time(at)
        if start.hasPrefix("1969") {
            #expect(period.start(of: now) == -3 * 86_400_000)
        } else {
            #expect(period.start(of: now) == (try Self.time(start)))
        }
        #expect(period.end(of: now) == (try Self.time(end)))
    }

    @Test("every day of forty years lies in the month that the calendar says")
    func months() throws {
        var day = try Self.time("2000-01-01")
        let last = try Self.time("2040-01-01")
        while day < last {
            let text = Timestamp.text(microseconds: day * 1000)
            #expect(BudgetPeriod.month.start(of: day) == (try Self.time("\(text.prefix(7))-01")))
            day += 86_400_000
        }
    }

    @Test("a budget begins anew once a period, at midnight in UTC, in a year of 366 days")
    func year() throws {
        let (start, end) = (try Self.time("2028-01-01"), try Self.time("2029-01-01"))
        for (period, count) in [(BudgetPeriod.month, 11), (.week, 52), (.day, 365)] {
            var spending = Spending()
            spending.advance(to: start, period)
            spending.settle(held: 0, spent: 7, began: spending.start)
            var resets: [Int] = []
            // A minute before and at each quarter of an hour: days on which clocks change, too.
            for now in stride(from: start, to: end, by: 900_000) {
                for instant in [now + 840_000, now + 900_000] where instant < end {
                    spending.advance(to: instant, period)
                    guard spending.spent == 0 else { continue }
                    resets.append(instant)
                    spending.settle(held: 0, spent: 7, began: spending.start)
                }
            }
            #expect(resets.count == count, "\(period)")
            #expect(resets.allSatisfy { $0 % 86_400_000 == 0 })
            let leap = try Self.time("2028-02-29")
            if period == .day { #expect(resets.contains(leap)) }
        }
    }

    @Test("a full budget takes no call, not even one that costs nothing")
    func fullBudget() {
        var spending = Spending()
        spending.advance(to: 5, .day)
        #expect(spending.hasRoom(for: 10, of: 10) && !spending.hasRoom(for: 11, of: 10))
        spending.hold(10)
        #expect(!spending.hasRoom(for: 0, of: 10))
        spending.settle(held: 10, spent: 3, began: 0)
        #expect(spending.spent == 3 && spending.held == 0)
        #expect(spending.hasRoom(for: 7, of: 10) && !spending.hasRoom(for: 8, of: 10))
        spending.settle(held: 0, spent: 20, began: 0)
        #expect(!spending.hasRoom(for: 0, of: 10), "a debt stays")
    }

    @Test("a call that ends in the next period is charged to its own")
    func nextPeriod() {
        let day = 86_400_000
        var spending = Spending()
        spending.advance(to: 9 * day - 1, .day)
        spending.hold(10)
        spending.advance(to: 9 * day, .day)
        #expect(spending.start == 9 * day && spending.spent == 0 && spending.held == 0)
        spending.settle(held: 10, spent: 8, began: 8 * day)
        #expect(spending.start == 9 * day && spending.spent == 0 && spending.held == 0)
        // A clock that is set back finds what was spent of the period that it is in again.
        spending.advance(to: 9 * day - 1, .day)
        #expect(spending.start == 8 * day && spending.spent == 8 && spending.held == 0)
        // By a moment it opens none of which nothing is known.
        spending.advance(to: 8 * day - 1, .day)
        #expect(spending.start == 8 * day && spending.spent == 8)
        spending.advance(to: 9 * day, .day)
        #expect(spending.start == 9 * day && spending.spent == 0)
    }

    @Test("a clock that was far ahead leaves each period what was spent of it")
    func clockAhead() {
        let day = 86_400_000
        var spending = Spending()
        for (now, spent) in [(100, 0), (40_000, 0), (100, 1), (101, 0), (100, 2), (40_000, 1)] {
            spending.advance(to: now * day, .day)
            #expect(spending.start == now * day && spending.spent == spent, "\(now)")
            spending.settle(held: 0, spent: 1, began: spending.start)
        }
        // Of many days the earliest are no longer known, and none before them is opened.
        for now in 200..<210 { spending.advance(to: now * day, .day) }
        spending.advance(to: 100 * day, .day)
        #expect(spending.start > 200 * day)
        // The sums of an earlier process come in any order of periods.
        var restored = Spending()
        for now in [100, 40_000, 101, 100] { restored.restore(1, at: now * day, .day) }
        for (now, spent) in [(100, 2), (101, 1), (102, 0), (40_000, 1)] {
            restored.advance(to: now * day, .day)
            #expect(restored.start == now * day && restored.spent == spent, "\(now)")
        }
    }

    @Test("a window that a clock far ahead has moved comes back with what counts in it")
    func windowAhead() {
        let limit = RateWindow.Limit(count: 3, length: 60_000)
        var window = RateWindow()
        window.advance(to: 4_000_000_000_000, limit)
        window.use(3)
        window.advance(to: 1_800_000_000_000, limit)
        #expect(!window.hasRoom(for: 1, now: 1_800_000_000_000, limit))
        #expect((window.wait(for: 1, now: 1_800_000_000_000, limit) ?? .max) <= 120_000)
        // By less than two windows the later one stays.
        window.advance(to: 1_800_000_000_000 - 60_000, limit)
        #expect(window.start == 1_800_000_000_000)
    }
}
