import ArgumentParser
import Config
import Reactor

/// `weir serve`.
struct ServeCommand: ParsableCommand, SignalTaking {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve until SIGTERM or SIGINT; a second signal stops at once.",
        discussion: """
            SIGHUP reads the configuration again; so does weir reload, which says more. SIGUSR2 \
            starts the program anew with --takeover, for an upgrade without a cut.
            """
    )

    @OptionGroup var options: ConfigurationOption

    @Flag(
        name: .long,
        help: """
            Take over from the gateway that runs in the same log.path: its sockets and its record, \
            with no request refused and no stream cut. Where none runs, serve as usual.
            """)
    var takeover = false

    // What `weir check --agent` starts.
    @Option(name: .long, help: .hidden)
    var rehearsalVendor: Int?

    @Option(name: .long, help: .hidden)
    var rehearsalRecord: String?

    func run() throws {
        var file = options.file
        // A pipe instead of a file may be waited for, and the loop does not turn yet.
        var reading = try Signals.unblocked([signalTerminate, signalInterrupt]) {
            try file.map { try ConfigurationOption.read($0) }
        }
        var configuration = try reading?.configuration ?? ConfigurationOption.usual()
        if let rehearsalVendor, let rehearsalRecord {
            configuration = configuration.rehearsal(
                vendorPort: rehearsalVendor, record: rehearsalRecord)
            // What it was made from says something else.
            (file, reading) = (nil, nil)
        }
        do {
            try Process.prepare()
            let composition = try Composition(
                configuration, file: file, reading: reading, takesOver: takeover)
            let status = try composition.run()
            throw ExitCode(status)
        } catch let error as Composition.StartError {
            Output.error("weir: cannot start: \(error)")
            throw ExitCode(1)
        }
    }
}
