import Access
import ArgumentParser
import Config
import Cryptography

/// `weir keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make keys for clients.",
        subcommands: [KeysNewCommand.self])
}

/// `weir keys new NAME`.
struct KeysNewCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Print a new key, and below it the lines of the configuration that let it in.",
        discussion: "The key is on the first line. It is kept nowhere: the lines hold its digest.")

    @Argument(help: "The key's name, which stands in records and metrics.")
    var name: String

    @Option(help: "The group that the key belongs to.")
    var group = ""

    func validate() throws {
        for (what, text) in [("name", name), ("group", group)] where !Self.isFit(text, what) {
            throw ValidationError(
                "the \(what) is none; allowed: 1 to 64 letters, digits, \"-\" and \"_\"")
        }
    }

    private static func isFit(_ text: String, _ what: String) -> Bool {
        if text.isEmpty { return what == "group" }
        return text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x2D
                    || byte == 0x5F
            }
    }

    func run() throws {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<ClientKey.randomBytes).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
        let key = ClientKey.make(from: bytes)
        var digest = Digest()
        digest.add(Array(key.utf8).span)
        Output.text(
            """
            \(key)

            [keys.\(name)]
            digest = "sha256:\(digest.finish())"
            group = "\(group)"

            """)
    }
}
