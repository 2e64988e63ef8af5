import Support
import Testing

@Suite("Layering")
struct LayeringTests {
    /// The own targets that each target may import: only those above it in this list.
    private static let allowed: [String: Set<String>] = [
        "Primitives": [],
        "Reactor": ["Primitives", "CLinux"],
        "Cryptography": ["Primitives", "COpenSSL"],
        "HTTP": ["Primitives", "CLLHTTP"],
        "JSON": ["Primitives"],
        "Codings": ["Primitives", "CCompression"],
        "Dialects": ["Primitives", "HTTP", "JSON", "Codings"],
        "Translation": ["Primitives", "HTTP", "JSON"],
        "Config": ["Primitives", "HTTP", "JSON", "Dialects", "Translation"],
        "Routing": ["Primitives", "HTTP", "JSON", "Dialects", "Translation", "Config"],
        "ExchangeCore": ["Primitives", "HTTP", "Dialects", "Config", "Routing"],
        "Access": ["Primitives", "HTTP", "JSON", "Dialects", "Config", "Routing"],
        "Transfers": ["Primitives", "HTTP", "ExchangeCore", "Reactor", "Cryptography", "CCurl"],
        "Journal": ["Primitives", "Reactor", "CJournal"],
        "Telemetry": ["Primitives", "ExchangeCore", "Reactor"],
        "LogStore": [
            "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "ExchangeCore", "Journal",
            "Telemetry", "Codings", "CSQLite", "Access",
        ],
        "Sinks": [
            "Primitives", "Reactor", "JSON", "Codings", "Dialects", "Cryptography", "Transfers",
            "LogStore", "Telemetry",
        ],
        "Bench": [
            "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "ExchangeCore", "Cryptography",
            "Transfers",
        ],
        "Fleet": [
            "Primitives", "Reactor", "Config", "Access", "Cryptography", "Telemetry", "CHiredis",
        ],
        "Gateway": [
            "Primitives", "Reactor", "HTTP", "JSON", "Codings", "Dialects", "Translation",
            "Config", "Routing", "ExchangeCore", "Access", "Cryptography", "Transfers", "Journal",
            "Telemetry",
        ],
        "Dashboard": [
            "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Config", "Routing",
            "LogStore", "Telemetry", "Gateway", "CPage",
        ],
        "Testbed": ["Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Cryptography"],
    ]

    private static let packages: [String: Set<String>] = [
        "Telemetry": ["Logging"], "Gateway": ["Logging"],
        "LogStore": ["GRDB", "GRDBSQLite", "Logging", "Foundation"], "Sinks": ["Logging"],
        "Fleet": ["Logging"],
        "Bench": ["Histogram"],
        "Command": ["ArgumentParser", "Logging"],
    ]

    private static let system: Set<String> = ["Glibc", "Synchronization"]

    @Test("every target imports only what stands below it", arguments: SourceTree.sources)
    func arrows(_ file: SourceFile) throws {
        guard file.target != "Command" else { return }
        let allowed = try #require(Self.allowed[file.target], "a target this test does not know")
        let known = allowed.union(Self.system).union(Self.packages[file.target] ?? [])
        #expect(Set(file.imports).subtracting(known).isEmpty)
    }

    @Test("each C module is imported by exactly one target")
    func modules() {
        for (module, target) in [
            "CLinux": "Reactor", "CCurl": "Transfers", "CLLHTTP": "HTTP",
            "COpenSSL": "Cryptography", "CJournal": "Journal", "CCompression": "Codings",
            "CSQLite": "LogStore", "CPage": "Dashboard", "CHiredis": "Fleet",
        ] {
            let targets = Set(
                SourceTree.sources.filter { $0.imports.contains(module) }.map(\.target))
            #expect(targets == [target])
        }
    }

    @Test("the deciders hold no unsafe memory and no descriptors")
    func deciders() {
        let deciders: Set<String> = [
            "HTTP", "JSON", "Config", "Dialects", "Translation", "Routing", "ExchangeCore",
            "Access",
        ]
        for file in SourceTree.sources where deciders.contains(file.target) {
            // The border to llhttp, a C library, is the one exception.
            guard !file.name.hasPrefix("RequestParser") else { continue }
            let code = file.lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }
            #expect(!code.contains { $0.contains("unsafe ") || $0.contains("@unsafe") }, "\(file)")
            #expect(!file.imports.contains("Glibc") && !file.imports.contains("Reactor"), "\(file)")
        }
    }

    @Test("only two commands, the benchmarks and tests know the testbed")
    func testbed() {
        let users = SourceTree.sources.filter { $0.imports.contains("Testbed") }.map(\.name)
        #expect(Set(users) == ["MockCommand", "DemoCommand"])
    }

    @Test("only the composition imports the gateway and its pages together")
    func composition() {
        let both = SourceTree.sources.filter {
            $0.imports.contains("Gateway") && $0.imports.contains("Dashboard")
        }
        #expect(
            !both.isEmpty
                && both.allSatisfy {
                    $0.name.hasPrefix("Composition") || $0.name == "OperatorListener"
                })
    }

    @Test("nothing of ours imports Foundation, but for the one file where the store needs it")
    func foundation() {
        let users = SourceTree.all.filter { file in
            file.imports.contains { $0.hasPrefix("Foundation") }
        }
        #expect(users.map(\.path) == ["Sources/LogStore/Bytes.swift"])
    }

    @Test("every target has the same settings, and tests of its own")
    func package() {
        let manifest = Repository.text("Package.swift")
        for setting in [
            "strictMemorySafety()", "treatAllWarnings(as: .error)", "ExistentialAny",
            "InternalImportsByDefault", "MemberImportVisibility", "swiftLanguageMode(.v6)",
        ] { #expect(manifest.contains(setting)) }
        for target in Self.allowed.keys where target != "Testbed" {
            #expect(
                manifest.contains("tests(\"\(target)Tests\"")
                    || manifest.contains("\"\(target)Tests\","))
            #expect(Repository.exists("Tests/\(target)Tests"))
        }
    }
}
