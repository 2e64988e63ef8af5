// swift-tools-version: 6.2

import PackageDescription

/// The same for every target of ours, tests included.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableExperimentalFeature("Lifetimes"),  // spans returned from the buffers of Primitives
    // Tests and debug builds check exclusive access at run time; the relay would pay 4 % for it.
    // Buffers and spans of one module are at work in the others' innermost loops.
    .unsafeFlags(
        ["-enforce-exclusivity=unchecked", "-cross-module-optimization"],
        .when(configuration: .release)),
]

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// `bin/fuzz` builds it with a fuzzer that brings the program's beginning along; nothing else does.
let fuzzing: [Target] =
    Context.environment["WEIR_FUZZ_BUILD"] == nil
    ? []
    : [
        .executableTarget(
            name: "weir-fuzz",
            dependencies: [
                "Primitives", "HTTP", "JSON", "Codings", "Dialects", "Config", "Journal",
                "LogStore", "Translation", "Support",
            ],
            path: "Tests/Fuzz",
            swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])]
        )
    ]

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        // Loaded in front of the C library by a test that counts allocations.
        .library(name: "AllocationCounter", type: .dynamic, targets: ["AllocationCounter"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // C, each imported by exactly one target.
        .systemLibrary(name: "CLinux", path: "Modules/CLinux"),
        .systemLibrary(
            name: "CCurl",
            path: "Modules/CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            path: "Modules/COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .target(
            name: "CLLHTTP",
            path: "Modules/CLLHTTP",
            cSettings: [.define("LLHTTP_STRICT_MODE", to: "1")]
        ),

        // Its reader and formatter alone.
        .target(
            name: "CHiredis",
            path: "Modules/CHiredis",
            linkerSettings: [.linkedLibrary("hiredis")]
        ),
        .target(name: "CJournal", path: "Modules/CJournal"),
        .target(name: "CSQLite", dependencies: ["CJournal"], path: "Modules/CSQLite"),
        // The page's files, as bytes.
        .target(name: "CPage", path: "Modules/CPage"),
        .systemLibrary(
            name: "CCompression",
            path: "Modules/CCompression",
            providers: [.apt(["zlib1g-dev", "libbrotli-dev", "libzstd-dev"])]
        ),

        // Values.
        target("Primitives", []),
        target("HTTP", ["Primitives", "CLLHTTP"]),
        target("JSON", ["Primitives"]),
        target("Codings", ["Primitives", "CCompression"]),
        target("Dialects", ["Primitives", "HTTP", "JSON", "Codings"]),
        target("Translation", ["Primitives", "HTTP", "JSON"]),
        target("Config", ["Primitives", "HTTP", "JSON", "Dialects", "Translation"]),
        target("Routing", ["Primitives", "HTTP", "JSON", "Dialects", "Translation", "Config"]),
        target("ExchangeCore", ["Primitives", "HTTP", "Dialects", "Config", "Routing"]),
        target("Access", ["Primitives", "HTTP", "JSON", "Dialects", "Config", "Routing"]),

        // Drivers.
        target("Reactor", ["Primitives", "CLinux"]),
        target("Cryptography", ["Primitives", "COpenSSL"]),
        target(
            "LogStore",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "ExchangeCore", "Access",
                "Journal", "Telemetry", "Codings", "CSQLite",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        target("Journal", ["Primitives", "Reactor", "CJournal"]),
        target(
            "Transfers",
            ["Primitives", "HTTP", "ExchangeCore", "Reactor", "Cryptography", "CCurl"]),
        target(
            "Telemetry",
            [
                "Primitives", "ExchangeCore", "Reactor",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        target(
            "Fleet",
            [
                "Primitives", "Reactor", "Config", "Access", "Cryptography", "Telemetry",
                "CHiredis", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        target(
            "Gateway",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Codings", "Dialects", "Translation",
                "Config", "Routing", "ExchangeCore", "Access", "Cryptography", "Transfers",
                "Journal", "Telemetry", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        target(
            "Sinks",
            [
                "Primitives", "Reactor", "JSON", "Codings", "Dialects", "Cryptography",
                "Transfers", "LogStore", "Telemetry",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "Dashboard",
            dependencies: [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Config", "Routing",
                "LogStore", "Telemetry", "Gateway", "CPage",
            ],
            exclude: ["Assets"],
            swiftSettings: settings
        ),
        target("Testbed", ["Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Cryptography"]),

        target(
            "Bench",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "ExchangeCore",
                "Cryptography", "Transfers",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ]
        ),

        // What is started.
        .executableTarget(
            name: "weir",
            dependencies: [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Translation", "Config",
                "Routing", "ExchangeCore", "Access", "Cryptography", "Transfers", "Journal",
                "LogStore", "Sinks", "Bench", "Telemetry", "Gateway", "Fleet",
                "Dashboard",
                "Testbed",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/Command",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "weir-load",
            dependencies: [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "LogStore", "Support",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Load",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "weir-rings",
            dependencies: [
                "Primitives", "Reactor", "ExchangeCore", "Journal", "LogStore", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Benchmarks/Rings",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "weir-translations",
            dependencies: [
                "Primitives", "Translation", "Support",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Translations",
            swiftSettings: settings
        ),

        // What only tests need.
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .target(
            name: "Support",
            dependencies: ["Primitives", "Reactor", "HTTP", "JSON"],
            path: "Tests/Support",
            swiftSettings: settings
        ),

        tests("PrimitivesTests", ["Primitives"]),
        tests("ReactorTests", ["Primitives", "Reactor"]),
        tests("HTTPTests", ["Primitives", "HTTP", "Support"]),
        tests("JSONTests", ["Primitives", "JSON"]),
        tests("CodingsTests", ["Primitives", "Codings", "Support"]),
        tests("DialectsTests", ["Primitives", "HTTP", "JSON", "Dialects", "Support"]),
        .testTarget(
            name: "TranslationTests",
            dependencies: ["Primitives", "HTTP", "JSON", "Translation", "Support"],
            exclude: ["census.txt", "nested.txt", "events.txt", "cases.jsonl"],
            swiftSettings: settings
        ),
        tests("ConfigTests", ["Primitives", "Dialects", "Config", "Support"]),
        tests(
            "RoutingTests", ["Primitives", "HTTP", "Dialects", "Config", "Routing", "Support"]),
        tests("ExchangeCoreTests", ["Primitives", "HTTP", "Config", "Routing", "ExchangeCore"]),
        tests(
            "AccessTests",
            [
                "Primitives", "HTTP", "JSON", "Dialects", "Config", "Routing", "Access",
                "Cryptography", "Support",
            ]),
        tests(
            "FleetTests",
            [
                "Primitives", "Reactor", "HTTP", "Dialects", "Config", "Routing", "Access",
                "Cryptography", "Telemetry", "Fleet", "Support",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests("CryptographyTests", ["Primitives", "Cryptography", "COpenSSL", "Support"]),
        tests(
            "LogStoreTests",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Codings", "Dialects", "Journal",
                "Telemetry", "ExchangeCore", "Access", "LogStore", "Support",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests(
            "BenchTests",
            [
                "Primitives", "Reactor", "JSON", "ExchangeCore", "Transfers", "Bench", "Testbed",
                "Support",
            ]
        ),
        tests(
            "SinksTests",
            [
                "Primitives", "Reactor", "JSON", "Codings", "Dialects", "Transfers", "LogStore",
                "Sinks",
                "Telemetry", "Support", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests(
            "DashboardTests",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Config", "Routing",
                "ExchangeCore", "LogStore", "Telemetry", "Gateway", "Transfers", "Sinks",
                "Dashboard",
                "Support",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests("JournalTests", ["Primitives", "Reactor", "Journal", "CJournal", "Support"]),
        tests(
            "TransfersTests",
            ["Primitives", "HTTP", "ExchangeCore", "Reactor", "Cryptography", "Transfers"]),
        tests(
            "TelemetryTests",
            [
                "Primitives", "ExchangeCore", "Reactor", "Telemetry", "Support",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests(
            "GatewayTests",
            [
                "Primitives", "Reactor", "HTTP", "JSON", "Dialects", "Config", "Routing",
                "ExchangeCore", "Access", "Cryptography", "Transfers", "Telemetry", "Gateway",
                "Journal",
                "LogStore", "Codings", "Testbed", "Support",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests(
            "CommandTests",
            [
                "Primitives", "Reactor", "Dialects", "Config", "Access", "JSON", "LogStore",
                "Transfers", "Testbed", "Support", "weir",
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["Primitives", "Reactor", "JSON", "Translation", "Testbed", "Support"],
            exclude: ["Helm", "ModelServer", "OldRecord", "Page", "Prometheus", "SDK", "TLS"],
            swiftSettings: settings
        ),
        tests("RepositoryTests", ["Support"]),
    ] + fuzzing
)
