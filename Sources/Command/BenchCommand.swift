import ArgumentParser
import Bench
import Cryptography
import Glibc
import Primitives
import Reactor
import Transfers

/// `weir bench`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Compare direct calls to a vendor with calls through a gateway.",
        discussion: """
            Without options it starts a scripted vendor and this gateway on this machine and \
            compares the two: no key, no network. With --direct it calls a vendor. Each --via is \
            a gateway in front of it that speaks OpenAI chat completions. A round calls every \
            target once, in random order; every answer is verified. Exit status 1 when an answer \
            was wrong.
            """)

    @Option(name: .long, help: "The vendor's base_url, such as https://api.openai.com/v1.")
    var direct: String?

    @Option(
        name: .long,
        help: "A gateway's base_url; NAME=URL names it, and NAME=URL@PID meters its process.")
    var via: [String] = []

    @Option(name: .long, help: "The key for all targets: env:NAME or file:PATH.")
    var key: String?

    @Option(name: .long, help: "The model asked for.")
    var model = "gpt-4o"

    @Option(name: .long, help: "Calls at once; may be repeated; 1 and 16 by default.")
    var connections: [Int] = []

    @Option(name: .long, help: "Calls a second in an open loop; may be repeated.")
    var rate: [Int] = []

    @Flag(name: .long, inversion: .prefixedNo, help: "Measure streams.")
    var stream = true

    @Flag(name: .long, inversion: .prefixedNo, help: "Measure calls that are not streamed.")
    var plain = true

    @Option(name: .long, help: "Seconds for each way of calling.")
    var duration = 5

    @Option(name: .long, help: "Calls in all at most; against a real vendor 200 by default.")
    var calls: Int?

    @Option(name: .long, help: "Bytes of each prompt.")
    var promptBytes = 1000

    @Option(name: .long, help: "max_tokens of each call; against a real vendor 64 by default.")
    var maxTokens: Int?

    @Option(name: .long, help: "Chunks of the scripted vendor's streams.")
    var chunks = 32

    @Option(name: .long, help: "Milliseconds between these chunks.")
    var delay = 1

    @Option(name: .long, help: "Open streams for the measurement of memory; 0 is none.")
    var idleStreams: Int?

    @Flag(name: .long, help: "Draw percentiles as curves.")
    var plot = false

    @Option(name: .long, help: "Write a report with charts to this file.")
    var html: String?

    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Flag(name: .long, help: "Call a real vendor, which costs money.")
    var yes = false

    func run() throws {
        do {
            try Process.prepare()
            let setup = try BenchSetup(self)
            defer { setup.end() }
            try confirm(setup)
            let bar = ProgressBar(isShown: isatty(2) == 1)
            var report = try Bench.run(setup.plan) { bar.show($0) }
            bar.end()
            report.command = CommandLine.arguments.map(Self.quoted).joined(separator: " ")
            try write(report)
            if json {
                Output.exact("\(report.json)\n")
            } else {
                Output.text(report.text + (plot ? "\n" + report.plot : ""))
            }
            let isWrong = report.plan.targets.indices.contains { !report.faults($0).isEmpty }
            if isWrong { throw ExitCode(1) }
        } catch let error as Composition.StartError {
            throw Self.failure("\(error)")
        } catch let error as Bench.Failure {
            throw Self.failure("\(error)")
        } catch let error as SystemError {
            throw Self.failure("\(error)")
        }
    }

    private static func failure(_ text: String) -> ExitCode {
        Output.error("weir: \(text)")
        return ExitCode(1)
    }

    /// Real calls cost money, so the command prints their number and size and asks for consent.
    private func confirm(_ setup: BenchSetup) throws {
        guard !setup.isLocal else { return }
        let most = setup.plan.callsMax
        let tokens = setup.plan.tokensMax ?? 0
        Output.error(
            "weir: at most \(most) calls of some \(promptBytes / 4) tokens in and \(tokens) out go "
                + "to \(direct ?? ""); they cost what that vendor asks for them")
        guard yes else {
            Output.error("weir: --yes agrees; --calls and --max-tokens bound it")
            throw ExitCode(2)
        }
    }

    private func write(_ report: BenchReport) throws {
        if let html { try Output.file(report.html, to: html) }
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && !"'\"$&()*;<>?[]`{|}\\".utf8.contains(byte)
        }
        return isPlain ? word : "'\(word)'"
    }
}

/// A bar on standard error: how far, how fast, how long still.
final class ProgressBar {
    private let isShown: Bool
    private var last = Instant(nanoseconds: 0)

    init(isShown: Bool) {
        self.isShown = isShown
    }

    func show(_ progress: Bench.Progress) {
        let now = Instant.now()
        guard isShown, now - last > .milliseconds(100) else { return }
        last = now
        let done = Int(progress.share * 30)
        let bar = String(repeating: "█", count: done) + String(repeating: "░", count: 30 - done)
        let rate = progress.seconds > 0 ? Int(Double(progress.calls) / progress.seconds) : 0
        let left =
            progress.share > 0.02
            ? Int(progress.seconds / progress.share * (1 - progress.share)) : 0
        Output.progress(
            "\r\u{1B}[K\(bar) \(Int(progress.share * 100)) %  \(progress.scenario)  "
                + "\(rate) calls/s" + (left > 0 ? "  \(left) s left" : ""))
    }

    func end() {
        if isShown { Output.progress("\r\u{1B}[K") }
    }
}
