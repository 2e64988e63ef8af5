import ArgumentParser
import Translation

/// `weir translate`.
struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Say a request or an answer in another dialect, and list what is lost.")

    @Option(
        name: .long, help: "Run the cases of a file, one JSON object a line; one line for each.")
    var cases: String?

    func run() throws {
        if let cases { try run(cases: cases) }
    }

    private func run(cases path: String) throws {
        guard let text = Environment.file(path) else {
            throw ValidationError("\(path) cannot be read")
        }
        var isWhole = true
        for (index, line) in text.split(separator: "\n").enumerated() {
            do throws(TranslationCase.Malformed) {
                Output.exact(try TranslationCase(String(line)).run() + "\n")
            } catch {
                Output.error("\(path):\(index + 1): \(error)")
                isWhole = false
            }
        }
        guard isWhole else { throw ExitCode(1) }
    }
}
