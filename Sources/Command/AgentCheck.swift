import ArgumentParser
import Config
import Cryptography
import Primitives
import Reactor
import Transfers

/// `weir check --agent`: an agent's contract, row by row.
struct AgentCheck {
    let contract: AgentContract
    let visit: AgentVisit

    /// Judges every row and prints it; false where one fails.
    func run() throws(SystemError) -> Bool {
        var failed = 0
        var unseen = 0
        for row in contract.rows {
            let word: String
            var reason = ""
            switch try row.judge(visit) {
            case .holds: word = "holds "
            case .fails(let text):
                (word, reason) = ("FAILS ", text)
                failed += 1
            case .unseen(let text):
                (word, reason) = ("unseen", text)
                unseen += 1
            }
            Output.text("\(word)  \(row.name)  \(row.claim)\n")
            if !reason.isEmpty { Output.text("            \(reason)\n") }
        }
        let holding = contract.rows.count - failed - unseen
        Output.text("# \(holding) hold, \(failed) fail, \(unseen) cannot be seen\n")
        return failed == 0
    }
}

/// Where a contract is tried: at a running gateway, or at one that is started for it.
struct AgentStage {
    let gateway: Endpoint.Origin
    /// The scripted vendor; nil where a real one answers.
    let vendor: Endpoint.Origin?
    private var children: [LocalProcess] = []
    private var folder: String?

    /// A gateway that runs already.
    init(gateway: Endpoint.Origin, vendor: Endpoint.Origin?) {
        self.gateway = gateway
        self.vendor = vendor
    }

    /// A scripted vendor, and this configuration's gateway in front of it.
    init(rehearsing file: ConfigurationFile?) throws(Composition.StartError) {
        let folder = try LocalProcess.makeFolder()
        var children: [LocalProcess] = []
        do throws(Composition.StartError) {
            let vendor = try LocalProcess(["mock", "--listen", "127.0.0.1:0"])
            children.append(vendor)
            let port = try vendor.port(after: "mock vendor on port ")
            let arguments = [
                "serve", "--rehearsal-vendor", "\(port)", "--rehearsal-record", "\(folder)/record",
            ]
            let gateway = try LocalProcess(
                arguments + (file.map { ["--config", $0.path] } ?? []))
            children.append(gateway)
            self.gateway = Self.local(try gateway.port(after: "listen=127.0.0.1:"))
            self.vendor = Self.local(port)
        } catch {
            for child in children { child.end() }
            LocalProcess.remove(folder)
            throw error
        }
        self.children = children
        self.folder = folder
    }

    private static func local(_ port: Int) -> Endpoint.Origin {
        Endpoint.Origin(scheme: "http", host: "127.0.0.1", port: port)
    }

    /// Ends what was started.
    func end() {
        for child in children { child.end() }
        if let folder { LocalProcess.remove(folder) }
    }
}
