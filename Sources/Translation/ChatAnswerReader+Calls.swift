import JSON
import Primitives

extension ChatAnswerReader {
    /// A call by its index in the vendor's list.
    struct OpenCall {
        /// The number by which the vendor names it; nil where it names none.
        let index: Int?
        let key: Int
        var id: String
        var name: String
        var isOpened = false
        var isClosed = false
        var held: [EscapedText] = []
        /// Whether the arguments are a whole object.
        var object = FirstJSONValue()
        var sealed: Sealed?
        var isFreeText = false
        let path: String
    }

    /// A call's part of an answer or a chunk.
    struct CallPiece {
        var index: Int?
        /// Where it stands among those of its chunk, and how many those are.
        var position = 0
        var count = 1
        /// Whether it is all of the call.
        var isWhole = false
        var id = ""
        var isFreeText = false
        var signature: EscapedText?
        let path: String
    }

    mutating func take(
        call: RawJSON, _ piece: CallPiece, _ events: inout [AnswerEvent]
    ) {
        var piece = piece
        piece.index = call["index"]?.integer
        piece.id = call["id"]?.plain ?? ""
        piece.isFreeText = call["function"] == nil && call["custom"] != nil
        piece.signature = call["extra_content"]?["google"]?["thought_signature"]?.text
        let function = call["function"] ?? call["custom"] ?? RawJSON(literal: "{}")
        take(function: function, piece, &events)
    }

    /// The call that a piece belongs to; nil where it begins one.
    ///
    /// Vendors leave the number out, or give all calls the same one. A piece with another id and a
    /// name begins a call then, as does one with another name behind arguments that are whole.
    private func position(of piece: CallPiece, _ name: String) -> Int? {
        guard !piece.isWhole else { return nil }
        let known: Int?
        if let index = piece.index {
            known = calls.lastIndex { $0.index == index }
        } else if !piece.id.isEmpty {
            known = calls.lastIndex { $0.id == piece.id || $0.id.isEmpty }
        } else if piece.count > 1, calls.indices.contains(piece.position) {
            known = piece.position
        } else {
            known = calls.indices.last
        }
        guard let known, !name.isEmpty else { return known }
        let call = calls[known]
        if !piece.id.isEmpty, !call.id.isEmpty { return piece.id == call.id ? known : nil }
        let isNext = call.object.finding == .whole && (name != call.name || piece.index == nil)
        return isNext ? nil : known
    }

    mutating func take(
        function: RawJSON, _ piece: CallPiece, _ events: inout [AnswerEvent]
    ) {
        start(&events)
        let name = function["name"]?.plain ?? ""
        let position: Int
        if let known = self.position(of: piece, name) {
            position = known
        } else {
            closeTexts(isCut: false, &events)
            closeWholeCalls(&events)
            position = calls.count
            calls.append(
                OpenCall(
                    index: piece.index, key: makeKey(), id: "", name: "",
                    isFreeText: piece.isFreeText, path: piece.path))
        }
        // A vendor may repeat them with every piece: the first ones count.
        if calls[position].id.isEmpty { calls[position].id = piece.id }
        if calls[position].name.isEmpty { calls[position].name = name }
        if let signature = piece.signature {
            calls[position].sealed = Sealed(form: .gemini, kind: .thought, value: signature)
        }
        let text = (function["arguments"] ?? function["input"])?.spokenArguments ?? .empty
        if !calls[position].name.isEmpty { open(position, &events) }
        guard !text.isEmpty, !calls[position].isClosed else { return }
        let plain = text.unescaped
        calls[position].object.take(plain.span)
        if calls[position].isOpened {
            events.append(.arguments(key: calls[position].key, text))
        } else {
            calls[position].held.append(text)
        }
    }

    /// Takes more of an open call's arguments, which were passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        guard let index = calls.firstIndex(where: { $0.key == key }) else { return }
        let plain = text.unescaped
        calls[index].object.take(plain.span)
    }

    mutating func open(_ position: Int, _ events: inout [AnswerEvent]) {
        let call = calls[position]
        guard !call.isOpened, !call.name.isEmpty else { return }
        calls[position].isOpened = true
        let id = call.id.isEmpty ? AnswerContext.callName(seed, position) : call.id
        var item = AnswerItem(
            key: call.key, kind: .call(id: id, name: call.name), path: call.path)
        (item.sealed, item.isFreeText) = (call.sealed, call.isFreeText)
        events.append(.opened(item))
        for text in call.held { events.append(.arguments(key: call.key, text)) }
        calls[position].held = []
    }

    /// Calls whose arguments are whole end where something else begins.
    mutating func closeWholeCalls(_ events: inout [AnswerEvent]) {
        for index in calls.indices
        where calls[index].isOpened && !calls[index].isClosed
            && calls[index].object.finding == .whole
        {
            calls[index].isClosed = true
            events.append(.closed(key: calls[index].key, isCut: false))
        }
    }
}
