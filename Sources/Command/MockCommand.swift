import ArgumentParser
import Reactor
import Testbed

/// `weir mock`.
struct MockCommand: ParsableCommand, SignalTaking {
    static let configuration = CommandConfiguration(
        commandName: "mock",
        abstract: "A scripted vendor of all three dialects, for trying things out.",
        discussion: """
            A request says how the vendor answers it, in the text of its last user message, \
            [[mock chunks=64 delay=20 ttft=300 status=429 abort_after=10 hang size=100000]], or in \
            fields such as X-Mock-Chunks. /stats has the requests that it saw.
            """
    )

    @Option(name: .long, help: "Address and port; port 0 takes a free one.")
    var listen = "127.0.0.1:8081"

    @Option(
        name: .long, help: "Accepted for symmetry: the dialect follows from each request's path.")
    var dialect: String?

    func run() throws {
        guard let address = SocketAddress(listen) else {
            Output.error("weir: \(listen) is no address, such as 127.0.0.1:8081")
            throw ExitCode(2)
        }
        Resources.raiseDescriptorLimit()
        do {
            let vendor = try ScriptedVendor(listen: address)
            Output.text("mock vendor on port \(vendor.port)\n")
            guard !Output.hasFailed else { return vendor.stop() }
            let loop = try EventLoop()
            let signals = try Signals([signalTerminate, signalInterrupt], on: loop) { _ in
                loop.stop()
            }
            loop.run()
            withExtendedLifetime(signals) {}
            vendor.stop()
        } catch {
            Output.error("weir: \(error)")
            throw ExitCode(1)
        }
    }
}
