/// What a client is shown of a translation: `messages>chat; lost=-top_k`.
public enum TranslationHeader {
    /// The name of the header.
    public static let name = "x-weir-translated"
    /// A header's value is not longer: the record has all of it.
    public static let bytesMax = 1024

    /// The header's value; losses that change no answer stand apart.
    ///
    /// Of many losses it says how many there are beyond so many bytes.
    public static func value(
        from source: Form, to target: Form, losses: [Loss], bytesMax: Int = bytesMax
    ) -> String {
        var value = "\(source.rawValue)>\(target.rawValue)"
        append("lost", losses.filter { !$0.isHarmless }, to: &value, bytesMax)
        append("harmless", losses.filter(\.isHarmless), to: &value, bytesMax)
        return value
    }

    private static func append(
        _ name: String, _ losses: [Loss], to value: inout String, _ bytesMax: Int
    ) {
        guard !losses.isEmpty else { return }
        value += "; \(name)="
        for (index, loss) in losses.enumerated() {
            let text = field(loss.description)
            guard value.utf8.count + text.utf8.count < bytesMax else {
                value += index == 0 ? "\(losses.count)" : ",\(losses.count - index)more"
                return
            }
            value += index == 0 ? text : ",\(text)"
        }
    }

    /// A path as a header may hold it: a client chose its names.
    private static func field(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte in
                0x21...0x7E ~= byte && byte != 0x2C && byte != 0x3B ? byte : UInt8(ascii: "?")
            }, as: UTF8.self)
    }
}
