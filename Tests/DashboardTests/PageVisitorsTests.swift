import Primitives
import Testing

@testable import Dashboard

@Suite("Visitors of the page")
struct PageVisitorsTests {
    private static func letsIn(_ visitors: inout PageVisitors, _ token: String) -> Bool {
        PageVisitorTests.asking("localhost") { visitors.letIn(showing: token, in: $0) } != nil
    }

    @Test("are for those who show the token of now")
    func token() {
        var visitors = PageVisitors(token: Secret("one"), isOnLoopback: true, isEncrypted: false)
        var isLetIn = [Self.letsIn(&visitors, "one")]
        visitors.adopt(token: Secret("two"))
        isLetIn += [Self.letsIn(&visitors, "one"), Self.letsIn(&visitors, "two")]
        #expect(isLetIn == [true, false, true])
        var open = PageVisitors(token: nil, isOnLoopback: true, isEncrypted: false)
        open.adopt(token: Secret("two"))
        let isOpen = Self.letsIn(&open, "two")
        #expect(!isOpen)
    }
}
