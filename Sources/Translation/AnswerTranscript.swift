/// An answer as far as it has come: what a dialect repeats at the end, or says whole.
struct AnswerTranscript {
    struct Item {
        let item: AnswerItem
        /// Texts in pieces; reasoning may have several.
        var pieces: [[UInt8]] = [[]]
        var arguments: [UInt8] = []
        var sealed: Sealed?
        var sealedPath = ""
        var citations: [(citation: Citation, path: String)] = []
        var odds: [TokenOdds] = []
        var oddsPath = ""
        var isClosed = false
        var isCut = false

        var text: EscapedText {
            EscapedText.joined(pieces.map { EscapedText(inner: $0[...]) }, by: .empty)
        }

        /// The free text of a call of a tool that takes one: the one argument, a JSON string, or
        /// all that the model wrote.
        var freeText: EscapedText {
            let written = EscapedText(inner: arguments[...])
            guard !item.isFreeText else { return written }
            if let object = RawJSON.object(of: written) { return object["input"]?.text ?? written }
            return RawJSON.string(of: written)?.text ?? written
        }
    }

    private(set) var items: [Item] = []
    private var indexes: [Int: Int] = [:]
    private(set) var id: EscapedText?
    private(set) var model: EscapedText?
    private(set) var finish: Finish?
    private(set) var counts = TokenCounts()
    private(set) var failure: AnswerFailure?
    private(set) var losses = LossList()

    mutating func take(_ event: AnswerEvent) {
        switch event {
        case .started(let id, let model): (self.id, self.model) = (id, model)
        case .opened(let item):
            indexes[item.key] = items.count
            var entry = Item(item: item)
            if let arguments = item.arguments { entry.arguments = Array(arguments.inner) }
            items.append(entry)
        case .text(let key, let text): change(key) { $0.append(text) }
        case .odds(let key, let odds, let path):
            change(key) {
                $0.odds += odds
                $0.oddsPath = path
            }
        case .pieceEnded(let key): change(key) { $0.pieces.append([]) }
        case .arguments(let key, let text):
            change(key) { $0.arguments.append(contentsOf: text.inner) }
        case .sealed(let key, let sealed, let path):
            change(key) { ($0.sealed, $0.sealedPath) = (sealed, path) }
        case .citation(let key, let citation, let path):
            change(key) { $0.citations.append((citation, path)) }
        case .closed(let key, let isCut):
            change(key) { ($0.isClosed, $0.isCut) = (true, isCut) }
        case .finished(let finish, let counts): (self.finish, self.counts) = (finish, counts)
        case .failed(let failure): self.failure = failure
        case .alive, .counted: break
        case .lost(let loss): losses.insert(loss)
        }
    }

    /// The item of a key.
    func item(_ key: Int) -> Item? {
        indexes[key].map { items[$0] }
    }

    /// The position of the item of a key.
    func index(_ key: Int) -> Int? { indexes[key] }

    /// Declares that the client's dialect has no form for something.
    mutating func lose(_ path: String) {
        losses.drop(path)
    }

    private mutating func change(_ key: Int, _ body: (inout Item) -> Void) {
        guard let index = indexes[key] else { return }
        body(&items[index])
    }
}

extension AnswerTranscript.Item {
    fileprivate mutating func append(_ text: EscapedText) {
        pieces[pieces.count - 1].append(contentsOf: text.inner)
    }
}
