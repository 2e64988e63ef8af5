import ArgumentParser
import HTTP
import JSON
import Primitives
import Translation

/// `weir translate`.
struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Say a request or an answer in another dialect, and list what is lost.",
        discussion: """
            It reads standard input and writes the other dialect's body to standard output; \
            the header with all losses goes to standard error. Dialects: openai (or chat), \
            responses, anthropic (or messages), gemini.
            """)

    @Option(name: .long, help: "The dialect of what is read.")
    var from: String?

    @Option(name: .long, help: "The dialect of what is written.")
    var to: String?

    @Option(name: .long, help: "The target's model, instead of the request's.")
    var model: String?

    @Flag(name: .long, help: "Read a whole answer, and no request.")
    var answer = false

    @Flag(name: .long, help: "Read an answer's event stream, and no request.")
    var stream = false

    @Option(
        name: .long,
        help: """
            The envelope of Anthropic's side: bedrock or vertex. Of a request from it, --path says \
            the rest.
            """,
        transform: Self.envelope)
    var envelope: CloudEnvelope?

    @Option(name: .long, help: "The path of a request in an envelope.")
    var path: String?

    @Option(
        name: .long, help: "Run the cases of a file, one JSON object a line; one line for each.")
    var cases: String?

    func validate() throws {
        guard cases == nil else { return }
        for (name, value) in [("--from", from), ("--to", to)] where form(value) == nil {
            let all = "openai, responses, anthropic, gemini"
            throw ValidationError(
                value.map { "\(name) \($0) is no dialect; there are \(all)" }
                    ?? "\(name) is missing: a dialect (\(all)), or --cases and a file")
        }
    }

    func run() throws {
        if let cases { return try run(cases: cases) }
        guard let source = form(from), let target = form(to) else { return }
        guard let bytes = Environment.bytes("/dev/stdin") else {
            throw ValidationError("standard input cannot be read")
        }
        if stream { return try translate(stream: bytes, source, target) }
        var body = try parse(bytes)
        if answer {
            let translation = AnswerTranslation(body, AnswerContext(from: source, to: target))
            Self.write(json: translation.body)
            report(translation.losses, source, target)
            guard translation.status == 200 else { throw ExitCode(1) }
            return
        }
        if let envelope, source == .messages {
            guard let request = envelope.unwrap(path ?? "", body) else {
                throw ValidationError("--path is no path of \(envelope.rawValue)")
            }
            body = request.body
            if !request.betas.isEmpty {
                Output.error("anthropic-beta: \(request.betas.joined(separator: ","))")
            }
        }
        try translate(request: body, source, target)
    }

    @Sendable private static func envelope(_ name: String) throws -> CloudEnvelope {
        if let envelope = CloudEnvelope(rawValue: name) { return envelope }
        let names = CloudEnvelope.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("allowed are \(names)")
    }

    private func translate(request body: RawJSON, _ source: Form, _ target: Form) throws {
        do throws(Refusal) {
            let name = model ?? body.model ?? ""
            let translation = try RequestTranslation(
                body, from: source, to: target, quirks: QuirkTable.quirks(of: name, target),
                model: model)
            if let envelope, target == .messages {
                let wrapped = envelope.wrap(RawJSON(written: translation.body), model: model)
                Self.write(json: wrapped.body)
                Output.error("POST \(wrapped.path)")
            } else {
                Self.write(json: translation.body)
                Output.error("POST \(translation.outbound.path)")
            }
            for header in translation.outbound.headers
            where envelope == nil || header.name != "anthropic-version" {
                Output.error("\(header.name): \(header.value)")
            }
            report(translation.losses, source, target)
        } catch {
            Output.error("refused with \(error.status): \(error.field): \(error.reason)")
            throw ExitCode(1)
        }
    }

    private static func write(json: [UInt8]) {
        Output.exact(String(decoding: json, as: UTF8.self) + "\n")
    }

    private func form(_ name: String?) -> Form? { name.flatMap(Form.init(name:)) }

    private func parse(_ bytes: [UInt8]) throws -> RawJSON {
        do throws(JSONScanner.Malformed) {
            return try RawJSON(parsing: bytes)
        } catch {
            Output.error("no JSON at byte \(error.offset): \(error.reason)")
            throw ExitCode(1)
        }
    }

    private func translate(stream bytes: [UInt8], _ source: Form, _ target: Form) throws {
        var translation = StreamTranslation(AnswerContext(from: source, to: target))
        var plain = ByteBuffer()
        if envelope == .bedrock, source == .messages {
            var frames = BedrockStream()
            frames.take(bytes.span, into: &plain)
            frames.end(into: &plain)
            if let failure = frames.failure { Output.error("the stream failed: \(failure)") }
        } else {
            plain.append(bytes.span)
        }
        var body = ByteBuffer()
        translation.take(plain.bytes, into: &body)
        translation.end(into: &body)
        if let failure = translation.earlyFailure {
            Output.error("status \(failure.status)")
            Self.write(json: failure.body)
            throw ExitCode(1)
        }
        Output.bytes(try framed(body, target))
        report(translation.losses, source, target)
    }

    /// The stream in the envelope of the side that is written.
    private func framed(_ body: borrowing ByteBuffer, _ target: Form) throws -> [UInt8] {
        guard envelope == .bedrock, target == .messages else { return Array(body.bytes) }
        var splitter = EventSplitter(bytesMax: body.count + 1)
        var events: [[UInt8]] = []
        splitter.take(body.bytes) { event in events.append(Array(event.data.bytes)) }
        var frames = ByteBuffer()
        for event in events { try BedrockStream.write(event: event, to: &frames) }
        return Array(frames.bytes)
    }

    private func report(_ losses: [Loss], _ source: Form, _ target: Form) {
        let value = TranslationHeader.value(from: source, to: target, losses: losses)
        Output.error("\(TranslationHeader.name): \(value)")
        for loss in losses {
            Output.error("  \(loss)\(loss.isHarmless ? " (harmless)" : "")")
        }
    }

    private func run(cases path: String) throws {
        guard let text = Environment.file(path) else {
            throw ValidationError("\(path) cannot be read")
        }
        var isWhole = true
        for (index, line) in text.split(separator: "\n").enumerated() {
            do throws(TranslationCase.Malformed) {
                let json = try TranslationCase(String(line)).run()
                Output.exact(json + "\n")
            } catch {
                Output.error("\(path):\(index + 1): \(error)")
                isWhole = false
            }
        }
        guard isWhole else { throw ExitCode(1) }
    }
}
