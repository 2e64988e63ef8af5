import ExchangeCore
import HTTP
import Primitives
import Reactor
import Synchronization

/// An answer to a request that another thread than the connection's gives: whole, or in pieces.
public final class LaterAnswer: Sendable {
    /// A part of an answer.
    public enum Part: Sendable {
        /// All of it.
        case whole(LocalResponse)
        /// The head of one that comes in pieces; its body is the first of them.
        case begin(LocalResponse)
        case piece([UInt8])
        case end
    }

    let number: Int
    private let mailbox: Mailbox<(number: Int, part: Part)>
    private let unwanted = Atomic<Bool>(false)

    init(_ number: Int, _ mailbox: Mailbox<(number: Int, part: Part)>) {
        self.number = number
        self.mailbox = mailbox
    }

    /// Whether the client has gone, as far as a part that was given, or a later question, has found
    /// out.
    public var isUnwanted: Bool { unwanted.load(ordering: .relaxed) }

    /// Gives the next part.
    ///
    /// From any thread.
    public func give(_ part: Part) {
        mailbox.post((number, part))
    }

    func becomeUnwanted() {
        unwanted.store(true, ordering: .relaxed)
    }
}

/// What answers instead of vendors, and the answers of it that come later.
final class LocalPages {
    let responder: any Responder
    private let loop: EventLoop
    /// Nil where there was no descriptor for their mailbox; made with the first of them.
    private(set) lazy var answers = LaterAnswers(on: loop)

    init(_ responder: any Responder, on loop: EventLoop) {
        self.responder = responder
        self.loop = loop
    }
}

/// The answers that a worker waits for, by their numbers.
///
/// A request is held weakly: a client that goes away leaves a number that nothing is written to.
final class LaterAnswers {
    /// Bytes of a page in pieces that may wait for a client; one that takes less is given up.
    private static let waitingBytesMax = 4 << 20

    /// Entries at which those without a request that waits are looked for.
    private static let entriesMax = 512

    private struct Entry {
        weak var exchange: RequestExchange?
        let answer: LaterAnswer
        var hasBegun = false
    }

    private let mailbox: Mailbox<(number: Int, part: LaterAnswer.Part)>
    private var entries: [Int: Entry] = [:]
    private var count = 0

    /// None yet; nil where there is no descriptor for the mailbox.
    init?(on loop: EventLoop) {
        let slot = LoopOwned<LaterAnswers>()
        do {
            mailbox = try Mailbox { slot.value?.received($0.number, $0.part) }
        } catch {
            return nil
        }
        slot.value = self
        mailbox.open(on: loop)
    }

    /// Has a responder answer a request, at once or later.
    static func ask(_ pages: LocalPages, for exchange: RequestExchange) {
        let (responder, answers) = (pages.responder, pages.answers)
        let response = exchange.request.withHead { head in
            exchange.intake.withBody(of: exchange.request) { body in
                responder.respond(to: head, body: body.bytes) { answers?.make(for: exchange) }
            }
        }
        if let response { exchange.answerHere(response) }
    }

    private func make(for exchange: RequestExchange) -> LaterAnswer {
        count += 1
        forgetThoseOfTheGone()
        // Answers that were not wanted in the end, and those whose clients went.
        if entries.count >= Self.entriesMax {
            entries = entries.filter { _, entry in
                entry.exchange.map { entry.hasBegun || !$0.writer.hasHead } ?? false
            }
        }
        let answer = LaterAnswer(count, mailbox)
        entries[count] = Entry(exchange: exchange, answer: answer)
        return answer
    }

    /// A question whose client went away need not be answered before the new one.
    private func forgetThoseOfTheGone() {
        for (number, entry) in entries {
            if let exchange = entry.exchange, exchange.client.exchange === exchange { continue }
            entry.answer.becomeUnwanted()
            entries[number] = nil
        }
    }

    private func received(_ number: Int, _ part: LaterAnswer.Part) {
        guard let entry = entries[number] else { return }
        guard let exchange = entry.exchange, exchange.client.exchange === exchange,
            exchange.client.phase == .answering, write(part, to: exchange)
        else {
            entries[number] = nil
            return entry.answer.becomeUnwanted()
        }
        switch part {
        case .whole, .end: entries[number] = nil
        case .begin: entries[number]?.hasBegun = true
        case .piece: break
        }
    }

    /// Writes a part; false where the client takes too little.
    private func write(_ part: LaterAnswer.Part, to exchange: RequestExchange) -> Bool {
        let client = exchange.client
        switch part {
        case .whole(let response):
            exchange.answerHere(response)
        case .begin(let response):
            exchange.state.answeredHere()
            OwnAnswer.begin(response, to: exchange)
            exchange.writer.piece(response.body.span, to: client)
            client.requestFlush()
        case .piece(let bytes):
            guard client.output.count + bytes.count <= Self.waitingBytesMax else {
                client.giveUpClient()
                return false
            }
            exchange.writer.piece(bytes.span, to: client)
            client.requestFlush()
        case .end:
            exchange.writer.end(to: client)
        }
        return true
    }
}
