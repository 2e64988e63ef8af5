import Access
import ArgumentParser
import Config
import Cryptography
import Glibc
import LogStore
import Primitives

/// `weir keys`.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Make, list, rotate and revoke keys of clients.",
        discussion: """
            "new" prints a key for the configuration. The others change keys in the store of the \
            gateway's folder, while it runs or not; keys of the configuration are changed there.
            """,
        subcommands: [
            KeysNewCommand.self, KeysAddCommand.self, KeysListCommand.self,
            KeysRotateCommand.self, KeysRevokeCommand.self,
        ])
}

/// A new key and its digest.
struct NewKey {
    let text: String
    let digest: String

    init() {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<ClientKey.randomBytes).map { _ in
            UInt8.random(in: .min ... .max, using: &random)
        }
        text = ClientKey.make(from: bytes)
        var digest = Digest()
        digest.add(Array(text.utf8).span)
        self.digest = digest.finish()
    }

    /// Whether a text is a name that can stand in a configuration without quotes.
    static func isName(_ text: String) -> Bool {
        1...64 ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == 0x2D
                    || byte == 0x5F
            }
    }

    /// Throws where a text is no such name.
    static func check(_ what: String, _ text: String) throws {
        guard isName(text) else {
            throw ValidationError(
                "the \(what) is none; allowed: 1 to 64 letters, digits, \"-\" and \"_\"")
        }
    }
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
        try NewKey.check("name", name)
        if !group.isEmpty { try NewKey.check("group", group) }
    }

    func run() throws {
        let key = NewKey()
        Output.text(
            """
            \(key.text)

            [keys.\(name)]
            digest = "sha256:\(key.digest)"
            group = "\(group)"

            """)
    }
}

/// The store whose keys a command changes, and the configuration beside it.
struct KeyStoreOptions: ParsableArguments {
    @OptionGroup var file: LogsConfiguration

    /// The configuration and the store; ends with status 1 where there is none.
    func open() throws -> (configuration: Configuration, store: Store) {
        let configuration = try file.load()
        do {
            return (configuration, try Store(changing: configuration.log.path))
        } catch {
            Output.error("weir: keys are kept in the gateway's store: \(error)")
            throw ExitCode(1)
        }
    }

    /// Changes the keys of the store, and waits until a running gateway has adopted the change.
    ///
    /// `change` returns its number.
    func change(_ change: (KeyChanges) throws -> Int) throws {
        let (configuration, store) = try open()
        let number: Int
        do {
            number = try change(KeyChanges(store: store, configuration: configuration))
        } catch let refusal as KeyChanges.Refusal {
            let isRead = LogsConfiguration.file(option: file.config) != nil
            Output.error(
                "weir: \(refusal.reason)"
                    + (isRead ? "" : "; no file was read: --config or WEIR_CONFIG names one"))
            throw ExitCode(1)
        }
        // A gateway that runs looks twenty times a second.
        for _ in 0..<200 {
            if try store.keyChanges().adopted >= number { return }
            usleep(10_000)
        }
        Output.error(
            "weir: the change is written; no gateway has adopted it, so it takes effect when one "
                + "starts")
    }
}

/// `weir keys add NAME`.
struct KeysAddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Make a key in the gateway's store, and print it once.")

    @OptionGroup var options: KeyStoreOptions

    @Argument(help: "The key's name, which stands in records and metrics.")
    var name: String

    @Option(help: "The group that the key belongs to.")
    var group = ""

    @Option(help: "From when on it is refused, in UTC: 2027-06-30, or 2027-06-30T12:00.")
    var expires: String?

    func validate() throws {
        try NewKey.check("name", name)
        if let expires, Timestamp.microseconds(expires) == nil {
            throw ValidationError("\(expires) is no date such as 2027-06-30")
        }
    }

    func run() throws {
        var key = ""
        try options.change { changes in
            let change = try changes.add(name, group: group, expires: expires)
            key = change.key
            return change.number
        }
        Output.text(key + "\n")
    }
}

/// `weir keys list`.
struct KeysListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys of the configuration and of the store.")

    @OptionGroup var options: KeyStoreOptions

    func run() throws {
        let (configuration, store) = try options.open()
        var table = TextTable([
            ("key", .left), ("group", .left), ("from", .left), ("expires", .left),
            ("state", .left),
        ])
        func date(_ time: Int?) -> String {
            time.map { String(Timestamp.text(microseconds: $0).prefix(16)) } ?? ""
        }
        for key in configuration.keys {
            let state = key.digests.count > 1 ? "rotating" : ""
            table.add([key.name, key.group, "file", date(key.expires), state])
        }
        for key in try store.clientKeys() {
            let state =
                key.revoked.map { "revoked \(date($0))" }
                ?? (key.digests.count > 1 ? "rotating" : "")
            table.add([key.name, key.group, "store", date(key.expires), state])
        }
        Output.text(table.text + "\n")
    }
}

/// `weir keys rotate NAME`.
struct KeysRotateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give a key of the store another secret, and print it once.",
        discussion: "The one before stays good beside it until --finish takes it away.")

    @OptionGroup var options: KeyStoreOptions

    @Argument(help: "The key's name.")
    var name: String

    @Flag(help: "Take the secret of before away, and make none.")
    var finish = false

    func run() throws {
        if finish { return try options.change { try $0.finishRotation(of: name) } }
        var key = ""
        try options.change { changes in
            let change = try changes.rotate(name)
            key = change.key
            return change.number
        }
        Output.text(key + "\n")
    }
}

/// `weir keys revoke NAME`.
struct KeysRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Refuse a key of the store from now on.",
        discussion: """
            When the command ends, no worker of a running gateway lets the key in any more. What \
            is in flight goes on to its end.
            """)

    @OptionGroup var options: KeyStoreOptions

    @Argument(help: "The key's name.")
    var name: String

    func run() throws {
        try options.change { try $0.revoke(name) }
    }
}
