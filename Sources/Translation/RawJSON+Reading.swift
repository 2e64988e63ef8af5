import JSON
import Primitives

extension RawJSON {
    /// The object that a text spells; nil where it spells none.
    static func object(of text: EscapedText) -> RawJSON? {
        guard text.mayBeObject else { return nil }
        do throws(JSONScanner.Malformed) {
            let value = try RawJSON(parsing: Array(text.unescaped))
            return value.isObject ? value : nil
        } catch {
            return nil
        }
    }

    /// The string that a text spells with its quotes; nil where it spells none.
    static func string(of text: EscapedText) -> RawJSON? {
        guard text.hasPrefix("\\\"") else { return nil }
        do throws(JSONScanner.Malformed) {
            return try RawJSON(parsing: Array(text.unescaped))
        } catch {
            return nil
        }
    }

    /// Members that mean money or time alone.
    private static let costs = ["cache_control", "prompt_cache_breakpoint"]

    /// The members that a reader does not know, without empty ones, which say nothing.
    func extras(
        except known: [String], at path: String, isNested: Bool = false
    ) -> [Extra] {
        members.compactMap { member in
            guard !known.contains(member.name), !member.value.isEmptyValue else { return nil }
            return Extra(
                name: member.name, path: "\(path).\(member.name)", value: member.value,
                isHarmless: Self.costs.contains(member.name),
                // A call by the model itself is what every call is without a word about it.
                isTrivial: member.name == "caller" && member.value["type"]?.plain == "direct",
                isNested: isNested)
        }
    }

    /// Whether the value is null, or a list or an object of nothing.
    var isEmptyValue: Bool {
        switch kind {
        case .null: true
        case .array, .object:
            // Nothing but space between the brackets.
            !bytes.dropFirst().dropLast().contains { $0 > 0x20 }
        default: false
        }
    }

    /// The required text of a member.
    func text(_ name: String, at path: String) throws(Refusal) -> EscapedText {
        guard let text = self[name]?.text else {
            throw Refusal("\(path).\(name)", "a text is missing")
        }
        return text
    }
}

extension Conversation {
    /// Takes a member that is one value for itself; what no table knows is a loss.
    mutating func take(_ member: RawJSON.Member, at path: String) {
        guard !member.value.isNull else { return }
        guard let row = form.fields.first(where: { $0.name == path }) else {
            return losses.drop(path)
        }
        // A field of two names: the first in the table counts.
        if row.field != .own, let index = settings.firstIndex(where: { $0.field == row.field }) {
            let names = form.fields.map(\.name)
            let first = names.first { $0 == row.name || $0 == settings[index].name }
            guard first == row.name else { return }
            settings.remove(at: index)
        }
        settings.append(
            Setting(
                field: row.field, name: row.name, path: path, value: member.value,
                absent: row.absent))
    }

    /// Adds a turn, or its parts to the last one where that is of the same role and kind.
    mutating func append(_ turn: Turn, merges: Bool) {
        guard merges, let last = turns.last, last.role == turn.role else {
            return turns.append(turn)
        }
        turns[turns.count - 1].parts += turn.parts
        turns[turns.count - 1].extras += turn.extras
    }

    /// Refuses calls of one turn that have one name for themselves: no result could be paired.
    func checkCallNames() throws(Refusal) {
        for turn in turns where turn.role == .assistant {
            var seen: Set<String> = []
            for call in turn.parts.compactMap(\.call) where !seen.insert(call.id).inserted {
                throw Refusal(call.idPath, "two calls of one turn have the same id")
            }
        }
    }
}

extension Extra {
    /// Whether a target has the member of a part, too: the other one of OpenAI's forms has one.
    func isKept(from form: Form, to target: Form) -> Bool {
        if form == target { return true }
        let isOpenAIs = form == .chat || form == .responses
        return isOpenAIs && name == "prompt_cache_breakpoint"
    }
}
