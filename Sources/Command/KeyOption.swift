import Primitives

/// `--key env:NAME` or `--key file:PATH`: a credential never stands in a command line.
enum KeyOption {
    /// The credential; nil where none is named.
    static func read(_ text: String?) throws(Composition.StartError) -> Secret? {
        guard let text else { return nil }
        var value: String?
        if text.hasPrefix("env:") { value = Environment.variable(String(text.dropFirst(4))) }
        if text.hasPrefix("file:") { value = Environment.file(String(text.dropFirst(5))) }
        let trimmed = value.map { $0.filter { !$0.isWhitespace } } ?? ""
        guard !trimmed.isEmpty else {
            throw Composition.StartError(
                description:
                    "--key: \(text.hasPrefix("env:") || text.hasPrefix("file:") ? text : "it") "
                    + "cannot be read; allowed are env:NAME and file:PATH")
        }
        return Secret(trimmed)
    }
}
