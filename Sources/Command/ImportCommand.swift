import ArgumentParser
import Config

/// `weir import`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Write the configuration of another gateway as one of Weir's.",
        subcommands: [LiteLLM.self]
    )

    /// `weir import litellm FILE`.
    struct LiteLLM: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "litellm",
            abstract: "From the config.yaml of LiteLLM's proxy: TOML on standard output.",
            discussion:
                "What is not carried over stands in comments behind it, and on standard error."
        )

        @Argument(help: "The config.yaml.")
        var file: String

        func run() throws {
            guard let text = Environment.regularFile(file) else {
                Output.error("weir: \(file) cannot be read")
                throw ExitCode(1)
            }
            do throws(LiteLLMImport.Fault) {
                let result = try LiteLLMImport(text)
                Output.text(result.toml)
                Self.report(result.omissions)
            } catch {
                Self.report(error.omissions)
                Output.error("\(file): \(error)")
                throw ExitCode(2)
            }
        }

        private static func report(_ omissions: [LiteLLMImport.Omission]) {
            for omission in omissions { Output.error("not carried over: \(omission)") }
        }
    }
}
