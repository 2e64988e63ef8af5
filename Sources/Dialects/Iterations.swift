import JSON
import Primitives

/// The parts of a usage object that reports several calls inside of one.
///
/// Anthropic lists them where its own tools interrupt an answer, where a model asks another one for
/// advice, and where another one takes over.
struct Iterations {
    /// Those of the model that answered.
    private(set) var own: [Int] = []
    /// Those of other models; a name may be empty.
    private(set) var others: [(model: String, usage: Int)] = []

    /// The iterations of a list.
    init(_ text: borrowing JSONOutline, _ list: Int, model: String) {
        text.eachElement(list) { iteration in
            guard text.isKind(.object, iteration) else { return }
            let name = text.string(text.member(iteration, "model")) ?? ""
            let isAdvice =
                text.withText(text.member(iteration, "type")) { $0.hasPrefix("advisor") } ?? false
            let isOther =
                name.isEmpty || model.isEmpty
                ? isAdvice : Self.undated(name) != Self.undated(model)
            if isOther { others.append((name, iteration)) } else { own.append(iteration) }
        }
    }

    /// A name without the date of its version: a vendor names the same model with and without it.
    private static func undated(_ name: String) -> Substring {
        let digits = name.utf8.reversed().prefix { 0x30...0x39 ~= $0 }.count
        guard digits == 8, name.utf8.count > 9 else { return name[...] }
        let rest = name.dropLast(8)
        return rest.hasSuffix("-") || rest.hasSuffix("@") ? rest.dropLast() : name[...]
    }
}

/// The tokens of one model of several in a call.
public struct ModelUsage: Equatable, Sendable {
    /// Its name, as the vendor spells it; empty where it does not say.
    public var model: String
    /// The tokens.
    public var usage: Usage

    /// What models beside the one that answered were used for, of a record's usage text.
    public static func others(in text: String, besides model: String) -> [ModelUsage] {
        // Found by a search: few calls have any.
        guard text.utf8.span.firstRange(of: "\"iterations\"") != nil else { return [] }
        var outline = JSONOutline()
        guard outline.read(text.utf8.span) else { return [] }
        // Of an opening and its correction the last one that lists them.
        var list: Int?
        if outline.isKind(.array, JSONOutline.root) {
            outline.eachElement(JSONOutline.root) {
                list = outline.member($0, "iterations") ?? list
            }
        } else {
            list = outline.member(JSONOutline.root, "iterations")
        }
        guard let list else { return [] }
        return Iterations(outline, list, model: model).others.map { other in
            var fields = UsageFields()
            fields.mergeOne(outline, other.usage)
            return ModelUsage(model: other.model, usage: fields.usage(of: .anthropic))
        }
    }
}
