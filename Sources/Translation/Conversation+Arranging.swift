extension Conversation {
    /// The form of the answer, as OpenAI's dialects have it: none where Gemini's client names the
    /// usual one.
    func knownFormat() throws(Refusal) -> OutputFormat? {
        switch format?.kind {
        case .other:
            throw Refusal(format?.path ?? "", "no other dialect has this form of an answer")
        case .text where form == .gemini: return nil
        default: return format
        }
    }

    /// Declares what another dialect has only the text of.
    mutating func declareFlattened() {
        if let path = choice?.changedPath { losses.change(path) }
        for turn in turns {
            for part in turn.parts {
                if part.raw != nil { losses.change(part.path) }
                for inner in part.result?.parts ?? [] where inner.raw != nil {
                    losses.change(inner.path)
                }
            }
        }
    }

    /// Joins what is one turn elsewhere: turns of the assistant, and results, that follow each
    /// other.
    mutating func joinTurns() {
        var joined: [Turn] = []
        for turn in turns {
            // A turn without anything between two results would leave two turns of them.
            let isNothing = turn.role == .assistant && turn.parts.isEmpty
            if isNothing, joined.last?.role == .results {
                joined[joined.count - 1].extras += turn.extras
            } else if let last = joined.last, last.role == turn.role,
                turn.role == .assistant || turn.role == .results
            {
                joined[joined.count - 1].parts += turn.parts
                joined[joined.count - 1].extras += turn.extras
            } else {
                joined.append(turn)
            }
        }
        turns = joined
        guard form == .gemini else { return }
        for index in turns.indices { turns[index].joinReasoning() }
    }

    /// Brings each result that comes late to those that follow its call, and declares the move.
    ///
    /// In the Responses API a result stands anywhere behind its call; the others want the results
    /// of a turn's calls at once. One pass, because the items of a long session are many.
    mutating func gatherResults() {
        guard form == .responses else { return }
        var arranged: [Turn] = []
        // Where results of the round stand that a call belongs to; a round ends with what follows
        // its results.
        var late: [[Turn]] = [[]]
        var roundOf: [String: Int] = [:]
        var ends: [Int] = []
        var hasResults = false
        for turn in turns {
            let isInRound = turn.role == .results || turn.role == .assistant && !hasResults
            if !isInRound {
                ends.append(arranged.count)
                late.append([])
                hasResults = false
            }
            var turn = turn
            let round = late.count - 1
            var stays: [Part] = []
            for part in turn.parts {
                if let call = part.call { roundOf[call.id] = round }
                guard let id = part.result?.id, let home = roundOf.removeValue(forKey: id),
                    home != round
                else {
                    stays.append(part)
                    continue
                }
                losses.change(part.path)
                late[home].append(Turn(role: .results, parts: [part], path: part.path))
            }
            if stays.isEmpty, !turn.parts.isEmpty {
                losses.drop(turn.extras)
                continue
            }
            turn.parts = stays
            if turn.role == .results { hasResults = true }
            arranged.append(turn)
        }
        guard late.contains(where: { !$0.isEmpty }) else { return }
        ends.append(arranged.count)
        var gathered: [Turn] = []
        var start = 0
        for (end, moved) in zip(ends, late) {
            gathered += arranged[start..<end]
            gathered += moved
            start = end
        }
        turns = gathered
    }

    /// The system texts that stand before everything else, taken out.
    mutating func takeLeadingSystem() -> [Turn] {
        let count = turns.prefix { $0.role == .system }.count
        let leading = Array(turns.prefix(count))
        turns.removeFirst(count)
        return leading
    }

    /// Adds each system text in the middle to the turn before it, or after an answer to the next.
    ///
    /// At the tail and never to the front, so that the beginning of the prompt stays the same from
    /// turn to turn.
    mutating func foldSystem() {
        var folded: [Turn] = []
        var waiting: [EscapedText] = []
        for turn in turns {
            guard turn.role == .system else {
                var turn = turn
                if !waiting.isEmpty, turn.role != .assistant {
                    turn.add(waiting, atFront: turn.role == .user)
                    waiting = []
                } else if !waiting.isEmpty {
                    folded.append(Self.userTurn(waiting, turn.path))
                    waiting = []
                }
                folded.append(turn)
                continue
            }
            losses.change(turn.path)
            losses.drop(turn.extras)
            for part in turn.parts { losses.drop(part.extras) }
            let texts = turn.parts.compactMap(\.text).filter { !$0.isEmpty }
            if folded.last?.role == .user || folded.last?.role == .results {
                folded[folded.count - 1].add(texts, atFront: false)
            } else {
                waiting += texts
            }
        }
        if !waiting.isEmpty { folded.append(Self.userTurn(waiting, turns.last?.path ?? "")) }
        turns = folded
    }

    private static func userTurn(_ texts: [EscapedText], _ path: String) -> Turn {
        let text = EscapedText.joined(texts)
        return Turn(
            role: .user, parts: [Part(kind: .text(text, isBare: true), path: path)], path: path)
    }

    /// The effort that a wish means in OpenAI's words; nil where it says nothing of it.
    func effort(_ ladder: [Int], _ losses: inout LossList) -> String? {
        if let effort = reasoning.effort { return effort.value }
        if reasoning.mode?.value == .disabled { return "none" }
        guard let budget = reasoning.budget else { return nil }
        losses.change(budget.path)
        guard budget.value >= 0 else { return nil }
        let words = ["minimal", "low", "medium", "high"]
        let reached = zip(ladder, words).reversed().first { $0.0 <= budget.value }
        return reached?.1 ?? "minimal"
    }
}

extension Turn {
    /// Joins the pieces in which Gemini's clients keep reasoning, and what proves it behind them.
    fileprivate mutating func joinReasoning() {
        var joined: [Part] = []
        for part in parts {
            guard case .reasoning(let next) = part.kind, let last = joined.last,
                case .reasoning(var reasoning) = last.kind, reasoning.sealed == nil,
                next.sealed?.isFor(.gemini) != true
            else {
                joined.append(part)
                continue
            }
            let texts = reasoning.visible + next.visible
            reasoning.visible = texts.isEmpty ? [] : [EscapedText.joined(texts, by: .empty)]
            reasoning.sealed = next.sealed
            joined[joined.count - 1].kind = .reasoning(reasoning)
            joined[joined.count - 1].extras += part.extras
        }
        parts = joined
    }

    /// Adds texts to the turn's text, or to that of its last result.
    mutating func add(_ texts: [EscapedText], atFront: Bool) {
        guard !texts.isEmpty else { return }
        if role == .results, let last = parts.indices.last, var result = parts[last].result {
            Self.add(texts, to: &result.parts, atFront: false, path: parts[last].path)
            parts[last].kind = .result(result)
        } else {
            Self.add(texts, to: &parts, atFront: atFront, path: path)
        }
    }

    private static func add(
        _ texts: [EscapedText], to parts: inout [Part], atFront: Bool, path: String
    ) {
        let index = atFront ? parts.startIndex : parts.index(before: parts.endIndex)
        if parts.indices.contains(index), case .text(let text, let isBare) = parts[index].kind {
            let all = (atFront ? texts + [text] : [text] + texts).filter { !$0.isEmpty }
            parts[index].kind = .text(EscapedText.joined(all), isBare: isBare)
        } else {
            let part = Part(
                kind: .text(EscapedText.joined(texts), isBare: parts.isEmpty), path: path)
            parts.insert(part, at: atFront ? 0 : parts.endIndex)
        }
    }
}

extension LossList {
    mutating func drop(_ extras: [Extra]) {
        for extra in extras where !extra.isTrivial {
            drop(extra.path, isHarmless: extra.isHarmless)
        }
    }

    /// What it means that a target lacks a setting.
    mutating func lack(_ setting: Setting) throws(Refusal) {
        switch setting.absent {
        case .dropped(let trivial):
            if !trivial.contains(setting.value.spelling) { drop(setting.path) }
        case .cost: drop(setting.path, isHarmless: true)
        case .nothing: break
        case .refused(let trivial):
            guard !trivial.contains(setting.value.spelling) else { return }
            throw Refusal(setting.path, "the target has nothing that does what this asks for")
        }
    }
}
