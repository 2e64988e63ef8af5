import ArgumentParser
import Glibc
import Support
import Translation

/// Translations without a gateway: what a request and a chunk take of the processor.
@main
struct WeirTranslations: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir-translations",
        abstract: "Times translations of an agent's request, and of streams' chunks, for each pair."
    )

    @Option(name: .long, help: "Bytes of the request.") var size = 200_000
    @Option(name: .long, help: "Translations of a request for each pair.") var rounds = 200
    @Option(name: .long, help: "Chunks of a stream for each pair.") var chunks = 20_000
    @Option(name: .long, help: "A dialect alone of those that are read.") var from: String?
    @Option(name: .long, help: "A dialect alone of those that are written.") var to: String?

    @Option(name: .long, help: "Measure memory instead, of requests of so many megabytes.")
    var memory: Int?

    func run() throws {
        if let memory { return try measure(memory) }
        print("request of \(size) bytes, \(rounds) rounds; stream of \(chunks) chunks; of the CPU")
        for (source, target) in pairs {
            let pair = PairTime(from: source, to: target)
            let request = try pair.request(AgentRequest(size: size), rounds: rounds)
            let chunk = pair.chunk(of: chunks)
            print("\(source)>\(target): \(request) us a request, \(chunk) ns a chunk")
        }
    }

    private var pairs: [(source: Form, target: Form)] {
        Form.allCases.flatMap { source in
            Form.allCases.filter { $0 != source }.map { (source, $0) }
        }.filter { pair in
            (from == nil || from == pair.source.rawValue)
                && (to == nil || to == pair.target.rawValue)
        }
    }

    private func measure(_ megabytes: Int) throws {
        print("memory while a request of \(megabytes) MiB is translated, in times of the request")
        for (source, target) in pairs {
            let pair = PairMemory(from: source, to: target)
            for shape in PairMemory.Shape.allCases {
                guard let factor = try pair.factor(shape, megabytes: megabytes) else { continue }
                let tenths = (factor * 10).rounded() / 10
                print("\(source)>\(target), \(shape.rawValue): \(tenths)")
            }
        }
    }
}
