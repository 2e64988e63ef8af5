import JSON
import Primitives

extension Media {
    /// Where the bytes are that an address names: in it, or elsewhere.
    static func source(_ address: EscapedText) -> Source {
        let bytes = address.inner
        guard address.hasPrefix("data:"),
            let comma = bytes.firstIndex(of: UInt8(ascii: ","))
        else { return .url(address) }
        let head = bytes[bytes.startIndex + 5..<comma]
        guard head.span.hasSuffix(";base64") else { return .url(address) }
        return .inline(
            type: EscapedText(inner: head.dropLast(7)),
            data: EscapedText(inner: bytes[(comma + 1)...]))
    }

    /// Where the bytes of a file are: behind a head that names their type, or without a head, and
    /// then the file's name says the type.
    static func source(_ data: EscapedText, of name: EscapedText?) -> Source {
        guard !data.hasPrefix("data:") else { return source(data) }
        let ending = name?.plain.lowercased().split(separator: ".").last ?? ""
        let type = types[String(ending)] ?? "application/pdf"
        return .inline(type: EscapedText(type), data: data)
    }

    /// Types of documents by the ends of their names.
    private static let types = [
        "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html",
        "xml": "text/xml", "json": "application/json",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ]

    /// What kind of thing a type names.
    static func kind(ofType type: EscapedText) -> Kind {
        let type = type.plain.lowercased()
        if type.hasPrefix("image/") { return .image }
        if type.hasPrefix("audio/") { return .audio }
        return type.hasPrefix("video/") ? .video : .document
    }

    /// The text of a document of text; nil for any other.
    var text: EscapedText? {
        switch source {
        case .text(let text): return text
        case .inline(let type, let data) where kind == .document && type.hasPrefix("text/"):
            guard let bytes = Base64.decode(data.inner),
                let text = String(validating: bytes, as: UTF8.self)
            else { return nil }
            return EscapedText(text)
        default: return nil
        }
    }

    /// Whether Anthropic takes bytes of the type.
    var isTypeOfAnthropics: Bool {
        guard case .inline(let type, _) = source else { return false }
        let images = ["image/jpeg", "image/png", "image/gif", "image/webp"]
        return (kind == .image ? images : ["application/pdf"]).contains(type.plain)
    }

    /// Brings the source to what all vendors take, and refuses what none does.
    mutating func check(_ path: String, for target: Form) throws(Refusal) {
        switch source {
        case .inline(let type, let data):
            guard !type.isEmpty else {
                throw Refusal(path, "the type of the bytes is missing")
            }
            let usual = Self.usual(type)
            guard Self.isType(usual) else {
                throw Refusal(path, "the type of the bytes is no media type")
            }
            guard let data = Base64.standard(data) else {
                throw Refusal(path, "the bytes are no base64")
            }
            source = .inline(type: usual, data: data)
        case .url(let address):
            if address.hasPrefix("data:") {
                source = try Self.spelled(address, path)
            } else {
                try Self.check(address, path, for: target)
            }
        case .file, .text: break
        }
    }

    /// A type without parameters, in small letters and by its usual name.
    private static func usual(_ type: EscapedText) -> EscapedText {
        let name = type.plain
        let word = name.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        let usual = ["image/jpg": "image/jpeg", "audio/x-wav": "audio/wav"][word] ?? word
        return usual == name ? type : EscapedText(usual)
    }

    /// Whether a type may stand before bytes, where a comma would end it.
    private static func isType(_ type: EscapedText) -> Bool {
        let words = type.plain.utf8.split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return words.count == 2
            && words.allSatisfy { !$0.isEmpty && $0.allSatisfy(typeLetters.contains) }
    }

    private static let typeLetters = Set("abcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+".utf8)

    /// The bytes that an address spells with percent signs.
    private static func spelled(_ address: EscapedText, _ path: String) throws(Refusal) -> Source {
        let text = address.unescaped.dropFirst(5)
        guard let comma = text.firstIndex(of: UInt8(ascii: ",")) else {
            throw Refusal(path, "the address has no bytes")
        }
        var bytes: [UInt8] = []
        var rest = text[(comma + 1)...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2,
                let value = UInt8(digits, radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        guard !bytes.isEmpty else { throw Refusal(path, "the address has no bytes") }
        let stated = EscapedText(bytes: text[..<comma])
        let type = stated.isEmpty ? EscapedText("text/plain") : usual(stated)
        guard isType(type) else {
            throw Refusal(path, "the type of the bytes is no media type")
        }
        return .inline(type: type, data: EscapedText(inner: Base64.encode(bytes)[...]))
    }

    /// Addresses that only Google's own vendors read.
    static let googles: [StaticString] = [
        "https://generativelanguage.googleapis.com/", "https://www.youtube.com/",
        "https://youtube.com/", "https://youtu.be/", "gs://",
    ]

    private static func check(
        _ address: EscapedText, _ path: String, for target: Form
    ) throws(Refusal) {
        guard !address.isEmpty else { throw Refusal(path, "the address is empty") }
        guard target != .gemini else { return }
        guard !googles.contains(where: address.hasPrefix) else {
            throw Refusal(path, "only Google's vendors read what stands at the address")
        }
        let scheme = address.plain.prefix(8).lowercased()
        guard scheme.hasPrefix("https://") || scheme.hasPrefix("http://") else {
            throw Refusal(path, "the address is none of the web's, and no vendor fetches it")
        }
    }
}
