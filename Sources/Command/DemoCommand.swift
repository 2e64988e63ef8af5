import ArgumentParser
import Bench
import Config
import Glibc
import Primitives
import Reactor
import Testbed
import Transfers

/// `weir demo`: what `bin/run` shows.
struct DemoCommand: ParsableCommand, SignalTaking {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract:
            "Serve a scripted vendor on this machine, send one call through, show what it cost."
    )

    @Option(name: .long, help: "Address and port; port 0 takes a free one.")
    var listen = "127.0.0.1:8080"

    @Option(name: .long, help: "The operators' listener; empty is off.")
    var admin = "127.0.0.1:9090"

    func run() throws {
        do {
            try Process.prepare()
            guard let address = SocketAddress("127.0.0.1:0") else { return }
            let vendor = try ScriptedVendor(listen: address)
            // Not in the working folder: thousands of calls to a scripted vendor would stand
            // among the first that mean something.
            let folder = try LocalProcess.makeFolder()
            defer { LocalProcess.remove(folder) }
            let record = "\(folder)/record"
            let composition = try Composition(try effective(vendor.port, record))
            composition.onStarted = {
                let (port, admin) = (composition.port, composition.adminPort)
                // The calls are made beside the control loop, which goes on to take signals.
                let visitor = try? Reactor.Thread(name: "weir-demo") {
                    DemoVisit(gateway: port, admin: admin, vendor: vendor.port, record: record)
                        .run()
                    // Without a terminal Ctrl-C cannot end it.
                    if isatty(1) == 0 { kill(getpid(), SIGTERM) }
                }
                visitor?.detach()
            }
            let status = try composition.run()
            vendor.stop()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        } catch let error as SystemError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }

    private func effective(_ port: Int, _ record: String) throws -> Configuration {
        let text = """
            [server]
            listen = "\(listen)"
            [admin]
            listen = "\(admin)"
            show_content = true
            [log]
            path = "\(record)"
            [vendors.openai]
            base_url = "http://127.0.0.1:\(port)/v1"
            [vendors.anthropic]
            base_url = "http://127.0.0.1:\(port)"
            [vendors.gemini]
            base_url = "http://127.0.0.1:\(port)"
            """
        let nowhere = SecretSource(environment: { _ in nil }, file: { _ in nil })
        do {
            return try Configuration.read(text, file: "demo", secrets: nowhere).configuration
        } catch {
            Output.error(error.description)
            throw ExitCode(2)
        }
    }
}

/// One visit of the gateway: a stream that is shown, then paired calls that are measured.
private struct DemoVisit {
    let gateway: Int
    let admin: Int?
    let vendor: Int
    let record: String

    func run() {
        do {
            try showStream()
            try showCost()
            showPage()
            showInvitation()
        } catch {
            Output.error("weir: the demonstration failed: \(error)")
        }
    }

    private func address(_ port: Int) throws -> SocketAddress {
        guard let address = SocketAddress("127.0.0.1:\(port)") else {
            throw Composition.StartError(description: "no address for port \(port)")
        }
        return address
    }

    private func showStream() throws {
        Output.text("\nA streaming chat call through the gateway, as its tokens arrive:\n\n  ")
        try StreamPrinter.run(
            try address(gateway), script: "chunks=24 delay=60 ttft=300"
        ) { Output.text($0) }
        Output.text("\n\n")
    }

    /// Measures as `weir bench` does: one call at a time, direct and through the gateway by turns.
    private func showCost() throws {
        func target(_ name: String, _ port: Int) -> BenchPlan.Target {
            BenchPlan.Target(
                name: name,
                origin: Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port),
                basePath: "/v1")
        }
        var plan = BenchPlan(
            targets: [target("direct", vendor), target("weir", gateway)],
            scenarios: [
                BenchPlan.Scenario(streams: true, connections: 1, script: "chunks=64")
            ])
        plan.duration = .seconds(3)
        let report = try Bench.run(plan) { _ in }
        guard let result = report.scenarios.first else { return }
        func line(_ name: String, _ times: KeyPath<Measurements, Measurements.Times>) -> String {
            let medians = result.measurements.map { $0[keyPath: times].percentile(50) }
            func microseconds(_ value: Double) -> String { "\(Int(value.rounded())) us" }
            return
                "  \(name): direct \(microseconds(medians[0])), "
                + "through Weir \(microseconds(medians[1])), "
                + "added \(microseconds(medians[1] - medians[0]))\n"
        }
        Output.text(
            "What it cost, medians of \(result.rounds) paired calls of 64 chunks "
                + "(\(report.errorCount) errors):\n\n")
        Output.text(line("to the first byte", \.firstByte))
        Output.text(line("to the last byte ", \.total))
    }

    /// Says where the page is, and opens it where a person is at the terminal.
    private func showPage() {
        guard let admin else { return }
        let address = "http://127.0.0.1:\(admin)/"
        let isOpened = isatty(1) != 0 && Browser.open(address)
        Output.text(
            "\nWhat happened is on a page, \(isOpened ? "which opens now" : "to be opened"): "
                + "\(address)\n")
    }

    private func showInvitation() {
        // A checkout has it on no path.
        let program = OwnProgram.path() ?? "weir"
        Output.text(
            """

            Try it yourself:

              curl -N http://127.0.0.1:\(gateway)/v1/chat/completions \\
                -H 'content-type: application/json' -d '{"model": "gpt-4o", "stream": true, \
            "messages": [{"role": "user", "content": "hello [[mock delay=50]]"}]}'

              python3 -c 'from openai import OpenAI; \
            print(OpenAI(base_url="http://127.0.0.1:\(gateway)/v1", api_key="any")\
            .chat.completions.create(model="gpt-4o", \
            messages=[{"role": "user", "content": "hello"}]).choices[0].message.content)'

            And see what was remembered, from beside this program:

              \(program) logs list --limit 5 --path \(record)

            Ctrl-C ends it, and takes the record away.

            """
        )
    }
}
