import Primitives
import Testing

@testable import Dashboard

@Suite("Visitors of the page")
struct PageVisitorsTests {
    @Test("are for those who show the token of now")
    func token() {
        var visitors = PageVisitors(token: Secret("one"), isOnLoopback: true, isEncrypted: false)
        #expect(visitors.letIn(showing: "one") != nil)
        visitors.adopt(token: Secret("two"))
        #expect(visitors.letIn(showing: "one") == nil && visitors.letIn(showing: "two") != nil)
        var open = PageVisitors(token: nil, isOnLoopback: true, isEncrypted: false)
        open.adopt(token: Secret("two"))
        #expect(open.letIn(showing: "two") == nil)
    }
}
