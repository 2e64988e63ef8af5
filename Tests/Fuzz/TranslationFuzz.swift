import Glibc
import HTTP
import JSON
import Primitives
import Support
import Translation

/// What a translation makes of any bytes: right in the dialect that it is written in, or refused
/// with the path; the first byte chooses the form that they are read in.
enum TranslationFuzz {
    /// What the bytes are read as.
    private enum Kind: String {
        case request, answer, stream
    }

    /// The one form and the one kind that `WEIR_FUZZ_PART` names, such as `chat:stream`.
    private static let part: (form: Form, kind: Kind)? = {
        guard let name = unsafe getenv("WEIR_FUZZ_PART") else { return nil }
        let words = unsafe String(cString: name).split(separator: ":").map(String.init)
        guard words.count == 2, let form = Form(rawValue: words[0]),
            let kind = Kind(rawValue: words[1])
        else { fatalError("WEIR_FUZZ_PART is no form and a kind") }
        return (form, kind)
    }()

    static func run(_ input: FuzzInput) {
        guard let first = input.bytes.first else { return }
        let forms = Form.allCases
        let source = part?.form ?? forms[Int(first) % forms.count]
        let bytes = Array(input.bytes.dropFirst())
        func isChosen(_ kind: Kind) -> Bool { part == nil || part?.kind == kind }
        for target in forms where target != source {
            var context = AnswerContext(from: source, to: target)
            context.seed = "1"
            if isChosen(.stream) { stream(bytes, context, cut: input.cut) }
            guard isChosen(.request) || isChosen(.answer), let body = try? RawJSON(parsing: bytes)
            else { continue }
            if isChosen(.request) { request(body, source, target) }
            if isChosen(.answer) { answer(body, context) }
        }
    }

    private static func checker(_ form: Form) -> DialectChecker {
        guard let checker = DialectChecker(rawValue: form.rawValue) else {
            fatalError("no checker of \(form)")
        }
        return checker
    }

    private static func value(_ bytes: [UInt8]) -> JSONValue {
        guard let value = try? JSONValue(parsing: bytes.span) else {
            fatalError("no JSON: \(bytes.span.text)")
        }
        return value
    }

    private static func request(_ body: RawJSON, _ source: Form, _ target: Form) {
        do throws(Refusal) {
            let request = try RequestTranslation(body, from: source, to: target)
            let fault = checker(target).fault(ofRequest: value(request.body))
            precondition(fault == nil, "\(source)>\(target): \(fault ?? "")")
        } catch {
            precondition(error.status == 400, "\(source)>\(target): \(error)")
        }
    }

    private static func answer(_ body: RawJSON, _ context: AnswerContext) {
        let answer = AnswerTranslation(body, context)
        let fault = checker(context.target).fault(
            ofAnswer: value(answer.body), status: answer.status)
        precondition(fault == nil, "\(context.source)>\(context.target): \(fault ?? "")")
    }

    /// The bytes are a stream as they are, and the same in two pieces.
    private static func stream(_ bytes: [UInt8], _ context: AnswerContext, cut: Int) {
        let whole = translate(bytes, context, cut: bytes.count)
        let parts = translate(bytes, context, cut: min(cut, bytes.count))
        precondition(whole == parts, "another answer in two pieces")
        var splitter = EventSplitter(bytesMax: 1 << 24)
        var data: [String] = []
        splitter.take(whole.span) { event in
            if event.hasData { data.append(event.data.bytes.text) }
        }
        let fault = checker(context.target).fault(ofStream: data)
        precondition(fault == nil, "\(context.source)>\(context.target): \(fault ?? "")")
    }

    private static func translate(
        _ bytes: [UInt8], _ context: AnswerContext, cut: Int
    ) -> [UInt8] {
        var translation = StreamTranslation(context)
        translation.mayFailEarly = false
        var output = ByteBuffer()
        translation.take(bytes.span.extracting(0..<cut), into: &output)
        translation.take(bytes.span.extracting(cut..<bytes.count), into: &output)
        translation.end(into: &output)
        return Array(output.bytes)
    }
}
