import Access
import Config
import Testing

@testable import weir

@Suite("Plans of access that were replaced")
struct RetiredPlansTests {
    private static func plan() throws -> AccessPlan {
        let secrets = SecretSource(environment: { _ in nil }, file: { _ in nil })
        let (configuration, _) = try Configuration.read("", file: "test", secrets: secrets)
        let ledger = Ledger()
        return AccessPlan(
            table: AccessTable(configuration, ledger), ledger: ledger, prices: nil)
    }

    @Test("are kept while a worker has them, and go when they are looked at after that")
    func release() throws {
        var retired = RetiredPlans()
        var worker: AccessPlan? = try Self.plan()
        weak let first = worker
        if let worker { retired.replaceLatest(by: worker) }
        retired.dropUnused()
        #expect(first != nil, "it is the latest")
        retired.replaceLatest(by: try Self.plan())
        retired.dropUnused()
        #expect(first != nil && worker != nil, "a worker has it")
        worker = nil
        #expect(first != nil, "the worker does not let it go")
        retired.dropUnused()
        #expect(first == nil)
    }
}
