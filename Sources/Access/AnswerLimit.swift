import JSON
import Primitives

/// What a body says of how long an answer may be, under all names that vendors have for it.
///
/// Readers of JSON differ: of two members with one name some take the first, and most the last; to
/// some large and small letters are the same. Of all that a vendor may read the longest counts.
struct AnswerLimit {
    /// The names, in small letters.
    static let names = [
        "max_tokens", "max_completion_tokens", "max_output_tokens", "maxoutputtokens",
        "max_tokens_to_sample",
    ]

    private var own: Int?
    /// The limit under a name, or in letters, to which a vendor may pay no attention.
    private(set) var foreignTokens = 0
    /// The names with a number, and those with a null: a bit for each.
    private var numbers = 0
    private var nulls = 0
    private var settings = 0

    /// The limit; nil where there is none that every vendor reads.
    var tokens: Int? { numbers & nulls == 0 && settings < 2 ? own : nil }

    /// Whether a member, in small letters, is one of the names.
    static func isName(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: "m") && names.contains(name)
    }

    /// Whether a member is written in the letters that the vendors' references have.
    ///
    /// `name`: the same in small letters.
    static func isExact(_ letters: Span<UInt8>, _ name: String) -> Bool {
        guard isName(name) else { return true }
        let plain = JSONText.unescape(letters)
        return plain == (name == "maxoutputtokens" ? "maxOutputTokens" : name)
    }

    private static func bit(of name: String) -> Int {
        names.firstIndex(of: name).map { 1 << $0 } ?? 0
    }

    /// Takes a number; `isOwn`: the request's API has the name, in these letters.
    mutating func take(_ name: String, _ count: Int, isOwn: Bool) {
        guard isOwn else {
            foreignTokens = max(foreignTokens, count)
            return
        }
        numbers |= Self.bit(of: name)
        // Of several limits the largest: which of them a vendor obeys is its own affair.
        own = max(own ?? 0, count)
    }

    /// Takes a null, which is no limit to who reads the last of two members.
    mutating func takeNull(_ name: String) { nulls |= Self.bit(of: name) }

    /// Takes a member of the root: Gemini's settings, of which there may be one.
    mutating func takeSettings(_ name: String) {
        if name == "generationconfig" || name == "generation_config" { settings += 1 }
    }
}
