import Primitives

/// Names of models as they are stored and shown.
///
/// A caller and a vendor may name a model as they like, in a text of any length. A record, a label
/// and a line have room for a name.
public enum ModelName {
    /// Bytes of a name that are stored at most.
    public static let bytesMax = 256

    /// A text that is no longer than a name may be: a longer one is cut, and ends in an ellipsis.
    ///
    /// A zero ends a text for some readers of the store and not for others, so that one name would
    /// be two: it is replaced.
    public static func bounded(_ text: String) -> String {
        guard !text.utf8.contains(0) else {
            return bounded(text.replacingScalars("\u{0}", with: "\u{FFFD}"))
        }
        guard text.utf8.count > bytesMax else { return text }
        let mark = "…"
        let room = bytesMax - mark.utf8.count
        var kept = ""
        for character in text.unicodeScalars {
            guard kept.utf8.count + UTF8.width(character) <= room else { break }
            kept.unicodeScalars.append(character)
        }
        return kept + mark
    }
}
