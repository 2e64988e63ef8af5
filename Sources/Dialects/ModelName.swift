/// Names of models as they are stored and shown.
///
/// A caller and a vendor may name a model as they like, in a text of any length. A record, a label
/// and a line have room for a name.
public enum ModelName {
    /// Bytes of a name that are stored at most.
    public static let bytesMax = 256

    /// A text that is no longer than a name may be: a longer one is cut, and ends in an ellipsis.
    public static func bounded(_ text: String) -> String {
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
