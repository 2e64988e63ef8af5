import Bench
import Config
import Cryptography
import Glibc
import Primitives
import Reactor
import Transfers

/// The targets of a benchmark, those that it starts itself included.
final class BenchSetup {
    private(set) var plan: BenchPlan
    /// Whether the vendor is on this machine and costs nothing.
    let isLocal: Bool
    private var children: [LocalProcess] = []
    private let folder: String?

    init(_ command: BenchCommand) throws(Composition.StartError) {
        let key = try KeyOption.read(command.key)
        var targets: [BenchPlan.Target] = []
        var isScripted = false
        if let direct = command.direct {
            folder = nil
            targets = [try Self.target("direct=\(direct)", key)]
            targets[0].process = nil
            isLocal = ["127.0.0.1", "localhost", "[::1]"].contains(targets[0].origin.host)
            isScripted = isLocal ? try Self.isScripted(targets[0].origin) : false
        } else {
            (targets, children, folder) = try Self.startLocally(command)
            isLocal = true
            isScripted = true
        }
        for text in command.via { targets.append(try Self.target(text, key)) }
        guard targets.count > 1 else {
            throw Composition.StartError(
                description: "there is nothing to compare: name a gateway with --via")
        }
        plan = BenchPlan(
            targets: targets, scenarios: Self.scenarios(command, isScripted: isScripted))
        plan.isScripted = isScripted
        plan.model = command.model
        plan.promptBytes = max(6, command.promptBytes)
        plan.duration = .seconds(Int64(max(1, command.duration)))
        plan.callsMax = command.calls ?? (isLocal ? .max : 200)
        plan.tokensMax = command.maxTokens ?? (isLocal ? nil : 64)
        plan.idleStreams = command.idleStreams ?? (isScripted ? 200 : 0)
        if targets.contains(where: { $0.origin.scheme == "https" }) {
            do {
                plan.trust = try TrustStore(file: "")
            } catch {
                throw Composition.StartError(description: "\(error)")
            }
        }
    }

    /// Ends what was started.
    func end() {
        for child in children { child.end() }
        if let folder { LocalProcess.remove(folder) }
    }

    private static func scenarios(
        _ command: BenchCommand, isScripted: Bool
    ) -> [BenchPlan.Scenario] {
        let kinds = [false, true].filter { $0 ? command.stream : command.plain }
        func script(_ streams: Bool) -> String {
            guard isScripted else { return "" }
            return streams ? "chunks=\(command.chunks) delay=\(command.delay)" : "chunks=16"
        }
        let counts =
            command.connections.isEmpty && command.rate.isEmpty
            ? (isScripted ? [1, 16] : [1]) : command.connections
        return counts.flatMap { count in
            kinds.map {
                BenchPlan.Scenario(
                    streams: $0, connections: max(1, count), script: script($0))
            }
        }
            + command.rate.flatMap { rate in
                kinds.map {
                    BenchPlan.Scenario(
                        streams: $0, connections: 1, rate: max(1, rate), script: script($0))
                }
            }
    }

    /// `[NAME=]URL[@PID]`.
    private static func target(
        _ text: String, _ key: Secret?
    ) throws(Composition.StartError) -> BenchPlan.Target {
        var name = "via"
        var url = Substring(text)
        if let equals = text.firstIndex(of: "="), !text[..<equals].contains("/") {
            name = String(text[..<equals])
            url = text[text.index(after: equals)...]
        }
        var process: Int32?
        if let at = url.lastIndex(of: "@"), let number = Int32(url[url.index(after: at)...]) {
            process = number
            url = url[..<at]
        }
        let read = try TargetURL(String(url), option: "--via")
        return BenchPlan.Target(
            name: name, origin: read.origin, basePath: read.path, process: process, key: key)
    }

    /// Whether a vendor on this machine is `weir mock`, which reports what it saw.
    private static func isScripted(
        _ origin: Endpoint.Origin
    ) throws(Composition.StartError) -> Bool {
        do {
            return try Probe.answers(origin, path: "/stats")
        } catch {
            throw Composition.StartError(description: "\(error)")
        }
    }

    private static func startLocally(
        _ command: BenchCommand
    ) throws(Composition.StartError) -> ([BenchPlan.Target], [LocalProcess], String) {
        let folder = try LocalProcess.makeFolder()
        var children: [LocalProcess] = []
        do throws(Composition.StartError) {
            let vendor = try LocalProcess(["mock", "--listen", "127.0.0.1:0"])
            children.append(vendor)
            let vendorPort = try vendor.port(after: "mock vendor on port ")
            let file = "\(folder)/weir.toml"
            let written = LocalProcess.write(
                """
                [server]
                listen = "127.0.0.1:0"
                [admin]
                listen = ""
                [log]
                path = "\(folder)/record"
                [vendors.openai]
                base_url = "http://127.0.0.1:\(vendorPort)/v1"
                """, to: file)
            guard written else {
                throw Composition.StartError(description: "\(file) cannot be written")
            }
            let gateway = try LocalProcess(["serve", "--config", file])
            children.append(gateway)
            let port = try gateway.port(after: "listen=127.0.0.1:")
            func origin(_ port: Int) -> Endpoint.Origin {
                Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port)
            }
            let targets = [
                BenchPlan.Target(name: "direct", origin: origin(vendorPort), basePath: "/v1"),
                BenchPlan.Target(
                    name: "weir", origin: origin(port), basePath: "/v1", process: gateway.pid),
            ]
            return (targets, children, folder)
        } catch {
            for child in children { child.end() }
            LocalProcess.remove(folder)
            throw error
        }
    }
}
