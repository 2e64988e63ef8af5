import Dialects
import HTTP
import Primitives

/// Bodies of requests, read for the model they name, and what is recorded of a text.
enum BodyFuzz {
    private static let types = [
        "application/json", "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=\"x\"",
        "application/octet-stream", "",
    ]

    static func run(_ input: FuzzInput) {
        let bytes = input.bytes.span
        for type in types {
            let type = Array(type.utf8)
            let model = RequestModel(bytes, contentType: type.span)
            guard case .named = model.finding else { continue }
            var output = ByteBuffer()
            guard model.write(bytes, with: "another", to: &output) else { continue }
            precondition(
                RequestModel(output.bytes, contentType: type.span).finding == .named("another"),
                "a model that was replaced is another")
        }
        var output = ByteBuffer()
        Redaction.write(bytes, to: &output)
        _ = Redaction.holdsCredentialURL(bytes)
    }
}
