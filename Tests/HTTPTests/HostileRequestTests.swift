import HTTP
import Primitives
import Support
import Testing

@Suite("Hostile requests")
struct HostileRequestTests {
    /// Without those that the gateway's configuration refuses, not the parser.
    private static let refused = HostileRequest.all.filter { $0.status != 413 }

    @Test("are many")
    func count() {
        #expect(HostileRequest.all.count >= 200)
        #expect(Set(HostileRequest.all.map(\.name)).count == HostileRequest.all.count)
    }

    @Test("are refused with their status, whole and byte by byte", arguments: refused)
    func refusal(_ hostile: HostileRequest) {
        let whole = Reading([hostile.bytes])
        #expect(whole.refusal?.status == hostile.status, "\(String(describing: whole))")
        #expect(whole.requests.isEmpty)
        let single = Reading(hostile.bytes.map { [$0] })
        #expect(single.refusal?.status == hostile.status, "\(String(describing: single))")
        #expect(single.requests.isEmpty)
    }

    @Test("mutated at random are read the same at any cut, and never let a control byte through")
    func mutations() {
        var generator = RandomSource(seed: 20_261_124)
        let good = RequestParserTests.good.values.sorted().map { Array($0.utf8) }
        let corpus =
            Array(repeating: good, count: 15).flatMap { $0 }
            + HostileRequest.all.map(\.bytes).filter { $0.count < 2000 }
        var accepted = 0
        for round in 0..<60_000 {
            var bytes = corpus[round % corpus.count]
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                Self.mutate(&bytes, corpus, using: &generator)
            }
            let whole = Reading([bytes])
            let pieces = Reading(ByteSplits.random(bytes, using: &generator))
            #expect(whole.requests == pieces.requests, "\(String(decoding: bytes, as: UTF8.self))")
            #expect(
                whole.refusal?.status == pieces.refusal?.status,
                "\(String(decoding: bytes, as: UTF8.self)): \(whole) but \(pieces)"
            )
            #expect(whole.isOpen == pieces.isOpen)
            accepted += whole.requests.count
            for request in whole.requests {
                let text = request.target + request.fields.joined()
                #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
                #expect(!(request.isChunked && request.contentLength != nil))
                #expect(request.body.count == request.contentLength ?? request.body.count)
            }
        }
        // The run would show nothing if every mutation were refused.
        #expect(accepted > 1000)
    }

    private static func mutate(
        _ bytes: inout [UInt8], _ corpus: [[UInt8]], using generator: inout RandomSource
    ) {
        let index = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: if !bytes.isEmpty { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
        case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
        case 2: if !bytes.isEmpty { bytes.remove(at: index) }
        case 3:
            let marks: [[UInt8]] = [[0x0D, 0x0A], [0x0A], [0x0D], [0x20], [0x3A], [0x09], [0x00]]
            bytes.insert(contentsOf: marks.randomElement(using: &generator) ?? [], at: index)
        case 4: bytes.removeLast(min(bytes.count, Int.random(in: 1...20, using: &generator)))
        default:
            let other = corpus.randomElement(using: &generator) ?? []
            bytes.insert(contentsOf: other.prefix(60), at: index)
        }
    }
}
