import Primitives
import Testing

@testable import Transfers

@Suite("Memory for bodies")
struct BodyBudgetTests {
    @Test("storage is counted as it grows and shrinks, and is given back when the charge ends")
    func counting() {
        let budget = BodyBudget(bytesMax: 100_000)
        do {
            var charge = BodyCharge()
            #expect(charge.cover(storage: 4096, of: budget) == .free)
            #expect(budget.bytes == 0, "a small body is not counted")
            #expect(charge.cover(storage: 65_536, of: budget) == .free)
            #expect(charge.cover(storage: 65_536, of: budget) == .free)
            #expect(budget.bytes == 65_536)
            #expect(charge.cover(storage: 131_072, of: budget) == .none)
            #expect(budget.bytes == 131_072)
            #expect(charge.cover(storage: 120_000, of: budget) == .short)
            #expect(charge.cover(storage: 0, of: budget) == .free)
            #expect(budget.bytes == 0)
            #expect(charge.cover(storage: 5000, of: budget) == .free)
            #expect(budget.bytes == 5000)
        }
        #expect(budget.bytes == 0)
    }

    @Test(
        "room: all of it, a quarter more for those that wait, and then none",
        arguments: [
            (100_000, BodyBudget.Room.free), (100_001, .short), (125_000, .short), (125_001, .none),
        ])
    func room(_ bytes: Int, _ room: BodyBudget.Room) {
        let budget = BodyBudget(bytesMax: 100_000)
        var charge = BodyCharge()
        #expect(charge.cover(storage: bytes, of: budget) == room)
        #expect(budget.room == room)
        #expect(budget.bytesLeft == max(0, 100_000 - bytes))
    }

    @Test("a charge moves with the storage into the body, and ends with it")
    func moving() {
        let budget = BodyBudget(bytesMax: 1 << 20)
        do {
            var received = ByteBuffer(capacity: 10_000)
            received.append("body")
            var charge = BodyCharge()
            _ = charge.cover(storage: received.capacity, of: budget)
            let body = KeptBody(ByteBuffer())
            body.fill(from: &received, charge: &charge)
            #expect(charge.cover(storage: received.capacity, of: budget) == .free)
            #expect(budget.bytes >= 10_000)
            let spare = KeptBody.emptied(consume body)
            #expect(spare != nil)
            #expect(budget.bytes == 0)
        }
        do {
            var written = ByteBuffer(capacity: 20_000)
            written.append("body")
            let body = KeptBody(written, countedBy: budget)
            #expect(budget.bytes >= 20_000 && body.count == 4)
        }
        #expect(budget.bytes == 0)
    }
}
