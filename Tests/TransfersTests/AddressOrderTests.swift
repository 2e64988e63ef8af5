import Primitives
import Testing

@testable import Transfers

@Suite("Orders of addresses")
struct AddressOrderTests {
    private static let now = Instant(nanoseconds: 1_000_000_000_000)

    private static func order(_ list: [String]) -> AddressOrder {
        var order = AddressOrder()
        _ = order.adopt(list)
        return order
    }

    private static func lists(_ order: AddressOrder, turns: Range<Int>) -> [String] {
        turns.map { order.list(turn: $0, now: now).joined(separator: " ") }
    }

    @Test("begin one address further each time, within the family that comes first")
    func turns() {
        #expect(
            Self.lists(Self.order(["a", "b", "c"]), turns: 0..<4) == [
                "a b c", "b c a", "c a b", "a b c",
            ])
        #expect(
            Self.lists(Self.order(["[::1]", "[::2]", "a", "b"]), turns: 0..<3) == [
                "[::1] [::2] a b", "[::2] [::1] a b", "[::1] [::2] a b",
            ])
        #expect(
            Self.lists(Self.order(["a", "[::1]", "b", "[::2]"]), turns: 0..<2) == [
                "a b [::1] [::2]", "b a [::1] [::2]",
            ])
        #expect(Self.lists(Self.order(["a"]), turns: -2..<2) == ["a", "a", "a", "a"])
        #expect(Self.lists(Self.order(["a", "b"]), turns: -1..<1) == ["b a", "a b"])
        #expect(Self.order([]).list(turn: .min, now: Self.now).isEmpty)
    }

    @Test("have those last that failed, for a while")
    func failures() {
        var order = Self.order(["a", "b", "c"])
        order.failed("b", at: Self.now)
        #expect(Self.lists(order, turns: 0..<3) == ["a c b", "c a b", "a c b"])
        let later = Self.now + AddressOrder.failureLasts
        #expect(order.list(turn: 1, now: later) == ["b", "c", "a"])
        order.connected("b")
        #expect(order.list(turn: 1, now: Self.now) == ["b", "c", "a"])
        for address in ["a", "b", "c"] { order.failed(address, at: Self.now) }
        #expect(Self.lists(order, turns: 0..<2) == ["a b c", "b c a"])
    }

    @Test("go over to the other family when one has failed whole")
    func families() {
        var order = Self.order(["[::1]", "[::2]", "a", "b"])
        order.failed("[::1]", at: Self.now)
        #expect(Self.lists(order, turns: 0..<1) == ["[::2] a b [::1]"])
        order.failed("[::2]", at: Self.now)
        #expect(Self.lists(order, turns: 0..<2) == ["a b [::1] [::2]", "b a [::2] [::1]"])
    }

    @Test("stay when a resolver rotates its answer, and keep what they know of what stays")
    func answers() {
        var order = Self.order(["a", "b", "c"])
        order.failed("a", at: Self.now)
        order.failed("b", at: Self.now)
        let isRotationNew = order.adopt(["c", "a", "b"])
        #expect(!isRotationNew)
        #expect(order.addresses == ["a", "b", "c"])
        let isOtherNew = order.adopt(["d", "b"])
        #expect(isOtherNew)
        #expect(Self.lists(order, turns: 0..<1) == ["d b"])
        _ = order.adopt(["a", "b"])
        // What is known of an address goes with it.
        #expect(Self.lists(order, turns: 0..<1) == ["a b"])
    }
}
