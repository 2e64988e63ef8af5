import Primitives

extension RequestModel {
    /// Why servers may read a whole body in different ways, by its form; nil where they do not.
    ///
    /// Whether JSON is JSON is not asked here.
    ///
    /// `contentType`: the values of all such fields, with commas between them.
    public static func doubt(
        about body: Span<UInt8>, contentType: Span<UInt8>
    ) -> BodyFault? {
        guard body.count > 0 else { return nil }
        if contentType.firstIndex(of: UInt8(ascii: ",")) != nil {
            return "it has more than one type"
        }
        guard isUTF8(contentType) else { return "its type names letters other than UTF-8" }
        let type = contentType.mediaType
        if type.count > 9, type.extracting(0..<10).matchesIgnoringCase("multipart/") {
            guard type.matchesIgnoringCase("multipart/form-data") else {
                return "it is a form of another kind than form-data"
            }
            guard let form = MultipartForm(contentType) else { return "the form has no boundary" }
            return form.doubt(about: body, contentType)
        }
        let first = body.firstOfText
        let beginsAsJSON = first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
        if type.matchesIgnoringCase("application/x-www-form-urlencoded") {
            if beginsAsJSON { return "it is called a form, and could be read as JSON" }
            return body.firstIndex(of: UInt8(ascii: ";")) != nil
                ? "its semicolons may part the form's fields" : nil
        }
        guard beginsAsJSON else {
            return type.count == 0 ? "it is no JSON, and does not say what it is" : nil
        }
        do {
            _ = try UTF8Span(validating: body)
            return nil
        } catch {
            return "it is not written in UTF-8"
        }
    }

    /// Whether a type names UTF-8 as its letters, or none.
    private static func isUTF8(_ contentType: Span<UInt8>) -> Bool {
        let words = contentType.text.lowercased().split { $0 == ";" || $0 == " " || $0 == "\t" }
        return words.allSatisfy { word in
            guard word.hasPrefix("charset") else { return true }
            let value = word.drop { $0 != "=" }.dropFirst().filter { $0 != "\"" }
            return ["utf-8", "utf8", "us-ascii", "ascii"].contains(value)
        }
    }
}
