import Dialects
import JSON
import Primitives
import Routing

/// The pages of a vendor's list of models.
///
/// Anthropic's and Google's lists come in pages, and say themselves how to ask for the next. A list
/// counts as a whole or not at all: half of one would take models away that are there.
enum ModelPages {
    /// Of one vendor.
    private static let namesMax = 2000
    private static let pagesMax = 20
    private static let cursorBytesMax = 2048

    /// Why there is no list.
    struct Fault: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    /// The models in all pages, as many as are kept.
    ///
    /// `ask` sends for a page: a parameter of the query, empty for the first.
    static func models(
        _ dialect: Dialect, until deadline: Instant, now: () -> Instant = Instant.now,
        ask: (_ page: String) throws -> Reply
    ) throws -> [ListedModel] {
        var models: [ListedModel] = []
        var known: Set<String> = []
        var page = ""
        for _ in 0..<pagesMax {
            let reply = try ask(page)
            guard reply.isWhole(200) else {
                throw Fault(
                    description: reply.status == 0 ? reply.fault : "status \(reply.status)")
            }
            guard let json = reply.json, let more = Self.models(in: json) else {
                throw Fault(description: "its answer is no list")
            }
            for model in more where known.insert(model.name).inserted { models.append(model) }
            guard models.count < namesMax, let next = try next(json, dialect) else { break }
            if next == page { throw Fault(description: "its list names the same page again") }
            if now() > deadline { throw Fault(description: "its list takes too long") }
            page = next
        }
        return Array(models.prefix(namesMax))
    }

    /// The models in a page of any of the three shapes; nil where there is none.
    private static func models(in page: JSONValue) -> [ListedModel]? {
        guard let list = (page["data"] ?? page["models"])?.elements else { return nil }
        return list.compactMap { entry in
            guard let id = (entry["id"] ?? entry["name"])?.text else { return nil }
            let name = id.hasPrefix("models/") ? String(id.dropFirst(7)) : id
            guard !name.isEmpty, name.utf8.count <= ModelName.bytesMax,
                name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
            else { return nil }
            let title = (entry["display_name"] ?? entry["displayName"])?.text ?? ""
            // A model has it for people: what they cannot read says nothing.
            let isFit =
                !title.isEmpty && title.utf8.count <= ModelName.bytesMax
                && title.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
            return ListedModel(name, title: isFit ? title : nil)
        }
    }

    /// The parameter that asks for the page after this one; nil where it is the last.
    private static func next(_ page: JSONValue, _ dialect: Dialect) throws -> String? {
        let (name, cursor) =
            switch dialect {
            case .openai: ("", String?.none)
            case .anthropic:
                ("after_id", (page["has_more"]?.isTrue ?? false) ? page["last_id"]?.text : nil)
            case .gemini: ("pageToken", page["nextPageToken"]?.text)
            }
        guard let cursor, !cursor.isEmpty else { return nil }
        guard cursor.utf8.count <= cursorBytesMax else {
            throw Fault(description: "the name of its next page is too long")
        }
        var parameter = ByteBuffer()
        parameter.append(text: name + "=")
        parameter.append(percentEncoding: cursor)
        return parameter.bytes.text
    }
}
