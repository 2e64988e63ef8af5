import Config
import Testing

@testable import Access

@Suite("A replica's share of a limit")
struct LimitShareTests {
    /// A share as the store gave it.
    private static func share(
        _ granted: Int, elsewhere: Int = 0, replicas: Int = 2,
        _ shortage: ShareAnswer.Shortage = .none
    ) -> LimitShare {
        var share = LimitShare()
        _ = share.ask(taken: 0, of: 100, now: 0)
        share.adopt(answer(granted, elsewhere: elsewhere, replicas: replicas, shortage))
        return share
    }

    /// `reach`: the whole share, where it is not said.
    private static func answer(
        _ share: Int, reach: Int = .max, elsewhere: Int = 0, replicas: Int = 2,
        _ shortage: ShareAnswer.Shortage = .none
    ) -> ShareAnswer {
        ShareAnswer(
            share: share, reach: reach, elsewhere: elsewhere, grantedElsewhere: elsewhere,
            replicas: replicas, shortage: shortage, time: 0)
    }

    @Test(
        "decides by itself",
        arguments: [
            // share, elsewhere, taken, amount, of 100
            (50, 0, 0, 50, LimitShare.Verdict.admitted), (50, 0, 0, 51, .awaited),
            (50, 0, 45, 6, .awaited), (50, 50, 50, 1, .full), (50, 49, 50, 1, .awaited),
            (0, 0, 0, 1, .awaited), (0, 0, 0, 101, .full), (100, 0, 100, 0, .admitted),
            (20, 90, 0, 15, .admitted), (0, 100, 0, 1, .full), (10, 0, 30, 1, .awaited),
            (200, 0, 100, 1, .full), (50, 0, 50, .max, .full), (50, .max, 50, 1, .full),
            (.max, 0, 0, 101, .full),
        ] as [(Int, Int, Int, Int, LimitShare.Verdict)])
    func verdicts(
        _ granted: Int, _ elsewhere: Int, _ taken: Int, _ amount: Int,
        _ verdict: LimitShare.Verdict
    ) {
        let share = Self.share(granted, elsewhere: elsewhere)
        #expect(share.verdict(on: amount, taken: taken, of: 100) == verdict)
    }

    @Test("no replica ever uses more than its share, so all together never more than the limit")
    func conservation() {
        for first in 0...10 {
            for second in 0...(10 - first) {
                for elsewhere in 0...12 {
                    var taken = 0
                    for part in [first, second] {
                        let share = Self.share(part, elsewhere: elsewhere)
                        var mine = 0
                        while share.verdict(on: 1, taken: mine, of: 10) == .admitted { mine += 1 }
                        #expect(mine <= part)
                        taken += mine
                    }
                    #expect(taken <= 10)
                }
            }
        }
    }

    @Test(
        "gives back what others lack, before it says so",
        arguments: [
            // share, taken, elsewhere, lack, used meanwhile, need -> claim
            (80, 10, 20, ShareAnswer.Shortage.none, false, 0, 80),
            // Of 70 that are unused each of two may keep 35.
            (80, 10, 20, .evenness, false, 0, 45), (30, 10, 20, .evenness, false, 0, 30),
            (80, 10, 20, .room, true, 0, 45),
            // One that uses nothing gives half of what it has.
            (80, 10, 20, .room, false, 0, 45), (20, 10, 70, .room, false, 0, 15),
            // What is left is too little for its own request: it is of no use here.
            (15, 10, 80, .room, false, 6, 10), (15, 10, 80, .room, true, 6, 10),
            // A debt is no share.
            (15, 30, 60, .room, false, 0, 15),
        ] as [(Int, Int, Int, ShareAnswer.Shortage, Bool, Int, Int)])
    func givingBack(
        _ granted: Int, _ taken: Int, _ elsewhere: Int, _ shortage: ShareAnswer.Shortage,
        _ isUsed: Bool, _ need: Int, _ claim: Int
    ) {
        var share = Self.share(granted, elsewhere: elsewhere, shortage)
        if isUsed { _ = share.observe(1, .admitted, taken: taken, of: 100) }
        if need > 0 { _ = share.observe(need, .awaited, taken: taken, of: 100) }
        let question = share.ask(taken: taken, of: 100, now: 0)
        #expect(question?.claim == claim && question?.need == need)
        #expect(share.granted == claim)
    }

    @Test("has one question on its way at a time, and keeps its share when no answer comes")
    func questions() {
        var share = Self.share(40)
        #expect(share.ask(taken: 10, of: 100, now: 0) != nil)
        #expect(share.ask(taken: 10, of: 100, now: 0) == nil)
        #expect(share.observe(50, .awaited, taken: 10, of: 100) == false)
        share.withdraw()
        #expect(share.granted == 40)
        // What was refused meanwhile is asked for by the next one, and then no more.
        #expect(share.ask(taken: 10, of: 100, now: 0)?.need == 50)
        share.withdraw()
        #expect(share.ask(taken: 10, of: 100, now: 10_000)?.need == 0)
    }

    @Test("asks at once for what a request lacks or the next one would, and never in vain")
    func urgency() {
        var share = Self.share(40, elsewhere: 20)
        #expect(share.observe(5, .admitted, taken: 5, of: 100) == false)
        #expect(share.observe(5, .admitted, taken: 35, of: 100) == true)
        #expect(share.observe(5, .awaited, taken: 40, of: 100) == true)
        #expect(share.observe(50, .full, taken: 40, of: 100) == false)
        var last = Self.share(40, elsewhere: 60)
        #expect(last.observe(5, .admitted, taken: 35, of: 100) == false)
        #expect(last.observe(.max, .full, taken: 35, of: 100) == false)
        #expect(last.ask(taken: 35, of: 100, now: 0)?.need == 100)
    }

    @Test("goes no further than the store has heard, and asks when half of that is used")
    func reaching() {
        var share = LimitShare()
        let first = share.ask(taken: 0, of: 100, now: 0)
        // No request has come: half of what it may get.
        #expect(first?.reach == ShareQuestion.Reach(current: 0, ahead: 0, parts: 2))
        share.adopt(Self.answer(80, reach: 16))
        var urgent: [Int] = []
        for taken in 0..<17 {
            let verdict = share.verdict(on: 1, taken: taken, of: 100)
            #expect(verdict == (taken < 16 ? .admitted : .awaited))
            #expect(share.isOutOfReach == false)
            if share.observe(1, verdict, taken: taken, of: 100) { urgent.append(taken) }
        }
        #expect(urgent.first == 7 && urgent.last == 16 && share.isOutOfReach)
        // Where the store cannot hear of it, the whole share may be used.
        #expect(share.verdict(on: 64, taken: 16, of: 100, isAway: true) == .admitted)
        #expect(share.verdict(on: 65, taken: 16, of: 100, isAway: true) != .admitted)
        // Sixteen were used in a second: that is expected in each of the next eight.
        let next = share.ask(taken: 16, of: 100, now: 500)
        #expect(next?.reach == ShareQuestion.Reach(current: 16, ahead: 128, parts: 8))
        #expect(!share.isOutOfReach && share.verdict(on: 1, taken: 16, of: 100) == .awaited)
        share.adopt(Self.answer(80, reach: 48))
        #expect(share.verdict(on: 32, taken: 16, of: 100) == .admitted)
        // After a rest it goes back to what its calls take.
        for second in 2...4 {
            let later = share.ask(taken: 16, of: 100, now: second * 1000)
            share.adopt(Self.answer(80, reach: later?.reach.current ?? 0))
        }
        #expect(share.verdict(on: 16, taken: 16, of: 100) == .admitted)
        #expect(share.verdict(on: 17, taken: 16, of: 100) == .awaited)
        // A short rate is soon whole again, and half of it is in reach.
        var rate = Self.share(80)
        _ = rate.observe(1, .admitted, taken: 0, of: 100)
        #expect(rate.ask(taken: 0, of: 100, now: 0, length: 60_000)?.reach.parts == 2)
        // Requests in flight end with their process: all of the share is in reach.
        var slots = LimitShare()
        _ = slots.ask(taken: 0, of: 100, now: 0, isKept: false)
        slots.adopt(Self.answer(50))
        _ = slots.ask(taken: 0, of: 100, now: 0, isKept: false)
        #expect(slots.verdict(on: 50, taken: 0, of: 100) == .admitted)
    }

    @Test(
        "what is used ahead follows the largest call and the pace, and fits a number",
        arguments: [
            // largest, used in a second, ahead
            (1, 0, 16), (1, 2, 16), (1, 3, 24), (50, 400, 3200), (0, 0, 0),
            (.max, 0, 1 << 53), (0, .max, 1 << 53),
        ] as [(Int, Int, Int)])
    func pace(_ largest: Int, _ used: Int, _ ahead: Int) {
        var pace = SharePace()
        #expect(pace.isUnknown && pace.ahead == 0)
        pace.observe(largest)
        pace.use(0, now: 10_000)
        pace.use(used, now: 10_500)
        #expect(pace.ahead == ahead && pace.isUnknown == (largest == 0))
        // It lasts for a second more, and a clock that is set back does no harm.
        pace.use(0, now: 11_000)
        #expect(pace.ahead == ahead)
        pace.use(0, now: 0)
        pace.use(-5, now: 3000)
        #expect(pace.ahead == min(1 << 53, 16 * min(1 << 53, largest)))
    }

    @Test("keeps what a refused request lacked until its client has come again, and no longer")
    func reserving() {
        var share = Self.share(0)
        _ = share.observe(60, .awaited, taken: 0, of: 100)
        #expect(share.ask(taken: 0, of: 100, now: 0)?.need == 60)
        var claims: [Int] = []
        for second in 1...5 {
            share.adopt(Self.answer(max(60, claims.last ?? 60), .evenness))
            claims.append(share.ask(taken: 0, of: 100, now: second * 1000)?.claim ?? -1)
        }
        #expect(claims == [60, 60, 60, 50, 50])
        // What was not had is no reason to keep what is left.
        var lacking = Self.share(30)
        _ = lacking.observe(60, .awaited, taken: 0, of: 100)
        _ = lacking.ask(taken: 0, of: 100, now: 0)
        lacking.adopt(Self.answer(30, .room))
        _ = lacking.observe(60, .awaited, taken: 0, of: 100)
        #expect(lacking.ask(taken: 0, of: 100, now: 0)?.claim == 0)
    }

    @Test("means nothing in the next period of a budget")
    func periods() {
        var share = Self.share(40)
        share.advance(to: 0)
        #expect(share.granted == 40)
        share.advance(to: 3_600_000)
        #expect(share.granted == 0 && share.elsewhere == 0 && !share.isKnown)
    }

    @Test("at its end a process gives back what it does not use")
    func end() {
        var share = Self.share(40)
        #expect(share.ask(taken: 10, of: 100, now: 0, isEnd: true)?.claim == 10)
    }
}
