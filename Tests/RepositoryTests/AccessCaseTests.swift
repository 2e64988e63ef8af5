import Support
import Testing

/// The cases that access has to pass, and the test of each.
@Suite("Cases of access")
struct AccessCaseTests {
    /// What happens, and the file and the function that show it.
    private static let cases: [(id: String, what: String, file: String, function: String)] = [
        ("A-01", "no key, a wrong one, a letter changed", "Gateway/ClientKey", "refusals"),
        (
            "A-02", "every carrier in every dialect; no vendor sees it", "Gateway/ClientKey",
            "carriers"
        ),
        ("A-03", "the client's own login beside the key", "Gateway/ClientKey", "subscription"),
        ("A-04", "no fall-through to a later credential", "Gateway/ClientKey", "refusals"),
        ("A-05", "in a query, escaped and twice", "Gateway/ClientKey", "carriers"),
        ("A-06", "a wrong checksum is a typing error", "Access/ClientKey", "typos"),
        ("A-07", "10,000 keys cost what ten do", "EndToEnd/KeyCost", "manyKeys"),
        ("A-08", "a key ends at its instant", "Gateway/ClientKey", "expiry"),
        ("A-09", "two digests charge one bucket", "Access/Ledger", "rotation"),
        ("A-10", "revoked on 4 workers under load", "EndToEnd/AccessCase", "revocation"),
        ("A-11", "the first limit of the tree refuses", "Access/Ledger", "tree"),
        ("A-12", "a refusal changes no counter", "Access/Ledger", "allOrNothing"),
        ("A-13", "requests in flight, freed in each phase", "Gateway/Limit", "concurrency"),
        ("A-14", "a client that does not read", "Gateway/Waiting", "slowClient"),
        ("A-15", "a limit that goes while it is held", "Access/Ledger", "concurrency"),
        ("A-16", "64 clients against $1.00", "Gateway/Limit", "overspending"),
        ("A-17", "what costs nothing, and a full budget", "Access/Ledger", "fullBudget"),
        ("A-18", "odd and hostile limits of an answer", "Access/RequestBound", "output"),
        ("A-19", "a debt is paid back, window by window", "Access/Limit", "debt"),
        ("A-20", "streams that break off, and their basis", "Gateway/Limit", "brokenOff"),
        ("A-21", "a chain is charged once", "Gateway/Limit", "chains"),
        ("A-22", "what a vendor refuses counts as a request", "Gateway/Waiting", "refusedByVendor"),
        ("A-23", "what a cache had is no token of a rate", "Access/RequestBound", "charges"),
        ("A-24", "a year of resets, in UTC", "Access/Limit", "year"),
        ("A-25", "a call over midnight", "Access/Limit", "nextPeriod"),
        ("A-26", "50 kills under load", "EndToEnd/AccessCommand", "kills"),
        ("A-27", "nothing can be recorded", "EndToEnd/AccessCase", "unrecordable"),
        ("A-28", "a model without a price", "Gateway/Limit", "unpriced"),
        ("A-29", "the exceptions of the official SDKs", "EndToEnd/SDK", "refusals"),
        ("A-30", "hostile tokens", "Access/WebToken", "hostileHeads"),
    ]

    @Test("are all there, each with a test of its name")
    func names() {
        for (index, entry) in Self.cases.enumerated() {
            let number = index + 1
            #expect(entry.id == "A-\(number < 10 ? "0" : "")\(number)")
            let target = entry.file.split(separator: "/").map(String.init)
            let type = "Tests/\(target[0])Tests/\(target[1])Tests"
            // A large type has an aspect in each of several files.
            let isThere = SourceTree.all.contains { file in
                (file.path == "\(type).swift" || file.path.hasPrefix("\(type)+"))
                    && file.text.contains("func \(entry.function)(")
            }
            #expect(isThere, "\(entry.id): \(entry.what)")
        }
        #expect(Self.cases.count == 30)
    }
}
