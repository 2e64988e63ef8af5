import JSON
import Primitives

/// The answer to an enquiry.
struct Reply {
    /// 0 where none came.
    var status = 0
    var fields: [(name: String, value: String)] = []
    var body: [UInt8] = []
    /// When each piece of the body came, after the request was sent.
    var pieces: [Interval] = []
    var took = Interval.zero
    /// Why it did not come to its end; empty where it did.
    var fault = ""

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON; nil where it is none.
    var json: JSONValue? { try? JSONValue(parsing: body.span) }

    /// The value of a field, in any case; several are joined with a bar.
    subscript(name: String) -> String? {
        let values = fields.filter { $0.name.lowercased() == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: "|")
    }

    /// What came, in few words.
    var summary: String {
        if status == 0 { return "no answer: \(fault)" }
        let excerpt = text.prefix(120).split(whereSeparator: \.isNewline).joined(separator: " ")
        return "status \(status)" + (excerpt.isEmpty ? "" : ": \(excerpt)")
            + (fault.isEmpty ? "" : " (\(fault))")
    }

    /// Whether it came whole, with this status.
    func isWhole(_ status: Int) -> Bool { self.status == status && fault.isEmpty }
}
