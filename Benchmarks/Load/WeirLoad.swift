import ArgumentParser
import Glibc
import Primitives
import Reactor

/// The load of the benchmarks: verified answers, figures as JSON.
@main
struct WeirLoad: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-load",
        abstract: "Sends verified load to gateways and prints what it came to as JSON.",
        subcommands: [Run.self, Hold.self, Sustain.self, Cancel.self, Fill.self]
    )
}

/// `weir-load run`.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A closed loop over one or more targets; several are asked in turn, paired."
    )

    @Option(name: .long, help: "host:port, several times for a paired run.")
    var target: [String]

    @Option(name: .long) var connections = 1
    @Option(name: .long) var requests: Int?
    @Option(name: .long, help: "Seconds, instead of a number of requests.") var duration: Int?
    @Option(name: .long, help: "The script for the scripted vendor.") var script = ""
    @Flag(name: .long) var stream = false
    @Option(name: .long, help: "Bytes of filling in the request.") var filling = 1000
    @Option(name: .long, help: "A further field; of several each connection has one in turn.")
    var field: [String] = []
    @Flag(name: .long, help: "Each request of a connection has the field after the one before.")
    var changingFields = false

    func run() throws {
        Resources.raiseDescriptorLimit()
        let targets = try target.map { text in
            guard let address = SocketAddress(text) else {
                throw ValidationError("\(text) is no address")
            }
            return LoadTarget.chat(
                address, script: script, streams: stream, filling: filling, fields: field)
        }
        let extent: LoadClient.Extent =
            duration.map { .duration(.seconds(Int64($0))) } ?? .requests(requests ?? 1000)
        let results = try LoadClient.run(
            targets, connections: connections, extent: extent, changesFields: changingFields)
        let texts = zip(target, results).map { name, result in
            let errors = result.errors.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            // Paired with the first target of the same round, while every answer verified.
            func added(_ values: [Int64], _ first: [Int64]) -> [Int64] {
                values.count == first.count ? zip(values, first).map { $0 - $1 } : []
            }
            func share(_ values: [Int64]) -> String {
                let points = [0.5, 0.9, 0.99].map { "\(LoadResult.percentile(values, $0))" }
                return "[\(points.joined(separator: ","))]"
            }
            return """
                {"target":"\(name)","verified":\(result.total.count),"chunks":\(result.chunks),\
                "bytes":\(result.bytes),"errors":{\(errors)},"seconds":\(result.elapsed.seconds),\
                "first_byte_ns":\(share(result.firstByte)),"total_ns":\(share(result.total)),\
                "added_first_byte_ns":\(share(added(result.firstByte, results[0].firstByte))),\
                "added_first_content_ns":\
                \(share(added(result.firstContent, results[0].firstContent))),\
                "added_total_ns":\(share(added(result.total, results[0].total)))}
                """
        }
        print("[\(texts.joined(separator: ",\n"))]")
    }
}

/// `weir-load hold`.
struct Hold: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Opens streams, says how many it holds, and keeps them until its input ends."
    )

    @Option(name: .long) var target: String
    @Option(name: .long) var streams: Int

    func run() throws {
        Resources.raiseDescriptorLimit()
        guard let address = SocketAddress(target) else {
            throw ValidationError("\(target) is no address")
        }
        let holder = try StreamHolder()
        try holder.open(
            streams, .chat(address, script: "chunks=2 delay=3600000", streams: true, filling: 1000)
        )
        print("{\"held\":\(holder.held),\"lost\":\(holder.lost)}")
        fflush(nil)
        while readLine() != nil {}
        holder.close()
    }
}
