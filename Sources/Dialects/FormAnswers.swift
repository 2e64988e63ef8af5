import Primitives

/// How many answers a form asks for: OpenAI takes pictures to edit as one, with their number in a
/// field.
public enum FormAnswers {
    /// The number, at least one; nil where it cannot be read for sure.
    ///
    /// `contentType`: the field's value; nil where the request has none.
    public static func count(in body: Span<UInt8>, contentType: Span<UInt8>?) -> Int? {
        guard let contentType else { return 1 }
        if let form = MultipartForm(contentType) {
            guard let values = form.values(of: "n", in: body),
                form.mentions(of: "n", in: body) == values.count
            else { return nil }
            return largest(of: values.map { body.extracting($0).text })
        }
        guard contentType.hasPrefix("application/x-www-form-urlencoded") else { return 1 }
        let pairs = body.text.split(separator: "&")
        // An escape in a name may hide any name.
        let names = pairs.map { $0.prefix { $0 != "=" } }
        guard !names.contains(where: { $0.contains("%") }) else { return nil }
        return largest(of: pairs.filter { $0.hasPrefix("n=") }.map { String($0.dropFirst(2)) })
    }

    /// Whether a form has a field that is named as an address is, or as a kept file.
    ///
    /// What stands there is a part of the prompt. True also where fields cannot be kept apart.
    public static func namesAddress(in body: Span<UInt8>, contentType: Span<UInt8>?) -> Bool {
        guard let contentType else { return false }
        if let form = MultipartForm(contentType) {
            for name: StaticString in ["url", "uri", "file_id"]
            where form.mentions(of: name, in: body) > 0 { return true }
            return false
        }
        guard contentType.hasPrefix("application/x-www-form-urlencoded") else { return false }
        return body.text.split(separator: "&").contains { pair in
            let name = pair.prefix { $0 != "=" }.lowercased()
            return name.hasSuffix("url") || name.hasSuffix("uri") || name == "file_id"
                || name.contains("%")
        }
    }

    private static func largest(of texts: [String]) -> Int? {
        var most = 1
        for text in texts {
            guard let number = Int(text) else { return nil }
            most = max(most, number)
        }
        return most
    }
}
