import Primitives
import Testing
import Transfers

@Suite("Stale window")
struct StaleWindowTests {
    @Test(
        "is twice the time of the connect, fifty milliseconds at least and five hundred at most",
        arguments: [
            (connect: 0, within: 50, beyond: 51), (10, 50, 51), (25, 50, 51), (26, 52, 53),
            (120, 240, 241), (250, 500, 501), (2000, 500, 501),
        ])
    func bounds(_ connect: Int64, _ within: Int64, _ beyond: Int64) {
        let window = StaleWindow()
        let connectTime = Interval.milliseconds(connect)
        #expect(window.contains(.zero, connectTime: connectTime))
        #expect(window.contains(.milliseconds(within), connectTime: connectTime))
        #expect(!window.contains(.milliseconds(beyond), connectTime: connectTime))
    }
}
