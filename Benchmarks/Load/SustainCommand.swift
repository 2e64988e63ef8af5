import ArgumentParser
import Glibc
import Primitives
import Reactor

/// `weir-load sustain`.
struct Sustain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: """
            Keeps streams open and makes calls at a rate until SIGTERM, then waits for the last \
            answers.
            """,
        discussion: """
            Prints {"ready":true} once every stream has begun. At the end come the whole answers, \
            and each failure with the client's own port.
            """)

    @Option(name: .long) var target: String
    @Option(name: .long, help: "Streams that are open at any time.") var streams = 100
    @Option(name: .long, help: "Calls begun a second, whether earlier ones have ended or not.")
    var rate = 100
    @Option(name: .long, help: "Milliseconds between two chunks of a stream.") var delay = 1000
    @Option(name: .long, help: "Chunks of a stream, at most.") var chunks = 12

    func run() throws {
        Resources.raiseDescriptorLimit()
        Signals.block([SIGTERM, SIGINT])
        guard let address = SocketAddress(target) else {
            throw ValidationError("\(target) is no address")
        }
        let load = try SustainedLoad(
            SustainedLoad.Plan(
                streams: streams, rate: rate,
                call: .chat(address, script: "chunks=8", streams: false),
                kinds: (3...max(3, chunks)).map { count in
                    .chat(address, script: "chunks=\(count) delay=\(delay)", streams: true)
                }))
        let signals = try Signals([SIGTERM, SIGINT], on: load.loop) { _ in load.end() }
        load.run {
            print("{\"ready\":true}")
            fflush(nil)
        }
        withExtendedLifetime(signals) {}
        print(load.report)
    }
}
