import Dialects
import HTTP
import Primitives

/// Looks for the model in a request's body that the journal does not keep as a whole.
///
/// An object of its own, because few exchanges need one.
final class ModelSearch {
    /// A body that is here as a whole is given in pieces: nearly all show their model in the first.
    private static let pieceBytes = 64 << 10
    private var scan: ModelScan

    init(_ head: borrowing RequestHead) {
        let encoding = head.list(of: .contentEncoding)
        scan = ModelScan(
            contentType: head.value(of: .contentType), contentEncoding: encoding.span)
    }

    /// The model, as far as it is known; empty where it is not.
    var name: String { scan.name ?? "" }

    /// Takes the next bytes of the body.
    func take(_ bytes: Span<UInt8>) {
        var start = 0
        while start < bytes.count, !scan.isOver {
            let end = min(start + Self.pieceBytes, bytes.count)
            scan.take(bytes.extracting(start..<end))
            start = end
        }
    }

    /// The body is at its end.
    func end() { scan.end() }
}

extension ExchangeRecorder {
    /// The model that a request names, which is about to be written; empty where the journal's
    /// reader finds it, or where it is still to come.
    mutating func modelAtBegin(_ exchange: RequestExchange, _ journal: WorkerJournal) -> String {
        if let tunnel = exchange.tunnel { return tunnel.model }
        if case .named(let name)? = exchange.intake.content?.model.finding { return name }
        guard !isModelWritten(exchange, journal) else { return "" }
        let search = exchange.request.withHead { ModelSearch($0) }
        modelSearch = search
        guard !exchange.intake.isStreaming else { return "" }
        exchange.request.withBody { search.take($0.bytes) }
        search.end()
        return search.name
    }

    /// Whether the journal will hold what the model is read from.
    private func isModelWritten(_ exchange: RequestExchange, _ journal: WorkerJournal) -> Bool {
        if exchange.intake.isStreaming { return false }
        if exchange.request.body.count > journal.capture.requestBytesMax { return false }
        guard journal.masksSecrets || journal.redactor != nil else { return true }
        return !exchange.request.head.isEncoded
    }

    /// Finds the model in a body whose pieces found no room in the journal.
    mutating func findUnwrittenModel(_ exchange: RequestExchange) {
        // A body that streams is looked through as it comes.
        guard modelSearch == nil else { return }
        let search = exchange.request.withHead { ModelSearch($0) }
        exchange.intake.withBody(of: exchange.request) { search.take($0.bytes) }
        search.end()
        modelSearch = search
    }
}
