import Config
import Routing
import Testing

@Suite("Chains that no request reaches")
struct ChainCoverTests {
    /// Models and paths of two chains, and whether the first covers the second.
    private static let cases: [(first: Chain, second: Chain, isCovered: Bool)] = [
        (chain(), chain(["gpt-*"]), true), (chain(["gpt-*"]), chain(), false),
        (chain(["gpt-*"]), chain(["gpt-4*"]), true), (chain(["gpt-4*"]), chain(["gpt-*"]), false),
        (chain(["gpt-*", "o*"]), chain(["o1", "gpt-4o"]), true),
        (chain(["gpt-*"]), chain(["gpt-4o", "o1"]), false),
        (chain(["gpt-?"]), chain(["gpt-*"]), false), (chain(["gpt-?"]), chain(["gpt-?"]), true),
        (chain(["*-mini"]), chain(["gpt-*-mini"]), true),
        (chain(paths: ["/v1/chat/*"]), chain(), false),
        (chain(), chain(paths: ["/v1/chat/*"]), true),
        (chain(prefix: "/a"), chain(prefix: "/b"), false),
        (chain(prefix: "/a"), chain(["gpt-*"], prefix: "/a"), true),
        (chain(), chain(prefix: "/a"), false),
    ]

    private static func chain(
        _ models: [String] = ["*"], paths: [String] = ["/*"], prefix: String = ""
    ) -> Chain {
        var chain = Chain(name: "", targets: [])
        chain.models = models
        chain.paths = paths
        chain.prefix = prefix
        return chain
    }

    @Test("are found where one chain before them takes all they could", arguments: cases.indices)
    func cover(_ index: Int) {
        var (first, second, isCovered) = Self.cases[index]
        first.name = "first"
        second.name = "second"
        let found = ChainCover.all(in: [first, second])
        #expect(found.map(\.shadowed) == (isCovered ? ["second"] : []))
        #expect(found.allSatisfy { $0.by == "first" })
    }
}
