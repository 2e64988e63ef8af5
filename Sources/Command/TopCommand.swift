import ArgumentParser
import Config
import Cryptography
import Glibc
import JSON
import Primitives
import Transfers

/// `weir top`.
struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Show what keys and groups use of their limits, live.",
        discussion: """
            Asks the operators' listener of a running gateway, with the address and the token of \
            [admin].
            """)

    @OptionGroup var options: ConfigurationOption

    @Option(help: "The operators' listener, such as https://gateway:9090; else that of [admin].")
    var url: String?

    @Option(
        help: """
            Authorities of its certificate, as PEM; else the system's, or for the listener of \
            [admin] the certificate of [admin.tls].
            """)
    var caFile = ""

    @Option(help: "Seconds between two looks.")
    var every = 2

    @Flag(help: "Look once, and end; so it does where its output is no terminal.")
    var once = false

    func validate() throws {
        guard 1...3600 ~= every else { throw ValidationError("--every is 1 to 3600 seconds") }
    }

    func run() throws {
        let configuration = try options.load()
        let address = try address(of: configuration)
        let client = try client(of: configuration, address)
        let fields = OperatorsClient.fields(of: configuration.admin)
        let isOnce = once || isatty(1) == 0
        while true {
            let text = try look(client, "\(address)/limits", fields)
            // On a cleared screen, as top has it.
            if !isOnce { Output.progress("\u{1B}[H\u{1B}[2J") }
            Output.text(text)
            if isOnce { return }
            sleep(UInt32(every))
        }
    }

    private func address(of configuration: Configuration) throws -> String {
        if let url { return url.hasSuffix("/") ? String(url.dropLast()) : url }
        guard let url = OperatorsClient.url(of: configuration.admin) else {
            throw ValidationError("[admin] has no listener; --url names one")
        }
        return url
    }

    /// Another machine's listener needs a certificate of an authority; the one of this
    /// configuration needs its key.
    private func client(of configuration: Configuration, _ address: String) throws -> Post {
        guard url != nil || !caFile.isEmpty else {
            return try OperatorsClient.client(of: configuration.admin, bytesMax: 64 << 10)
        }
        let trust = address.hasPrefix("https:") ? try TrustStore(file: caFile) : nil
        guard let client = Post(trust: trust) else {
            throw Composition.StartError(description: "libcurl cannot be set up: out of memory")
        }
        return client
    }

    private func look(
        _ client: Post, _ url: String, _ fields: [(name: String, value: String)]
    ) throws -> String {
        let answer: Post.Answer
        do {
            answer = try client.get(url, fields: fields, timeout: .seconds(10))
        } catch {
            Output.error("weir: \(url) does not answer: \(error)")
            throw ExitCode(1)
        }
        guard answer.status == 200, let value = try? JSONValue(parsing: answer.body.span),
            let lines = value.elements
        else {
            Output.error("weir: \(url) answers with status \(answer.status), and no limits")
            throw ExitCode(1)
        }
        guard !lines.isEmpty else { return "no key and no group has a limit\n" }
        var table = TextTable(LimitLine.columns)
        for line in lines { table.add(LimitLine(line).cells) }
        return table.text + "\n"
    }
}
