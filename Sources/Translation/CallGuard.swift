import Primitives

/// Looks at the calls of an answer on their way: none without arguments, none that breaks off.
///
/// An agent does what a call says. So a call that is not whole is never shown as one that is.
struct CallGuard {
    /// What a call's arguments are to the vendor and to the client.
    private enum Arguments {
        /// An object to both.
        case object
        /// Free text to the client: whatever the model writes is a call.
        case text
        /// Free text to the vendor, and an object to the client.
        case wrapped
    }

    private struct Open {
        let path: String
        let kind: Arguments
        var arguments: [UInt8] = []
        /// Whether they are kept back: as long as they may say nothing, or until they are whole.
        var isHeld: Bool
    }

    private var open: [Int: Open] = [:]
    private var hasCalls = false
    private var isBroken = false
    /// Whether a call was cut off, which only an answer that was cut off may hold.
    private var hasCutCall = false
    /// Calls of no tool, of which the client hears nothing.
    private var nameless: Set<Int> = []
    private var isDone = false
    /// Whether the arguments of these tools are read as they come, whatever they are.
    private let tools: [String: AnsweredTool]

    init(_ tools: [String: AnsweredTool]) {
        self.tools = tools
    }

    /// A guard of answers in a context.
    init(_ context: AnswerContext) {
        // Only OpenAI's dialect has calls with free text.
        let hasTexts = context.target == .chat || context.target == .responses
        tools = hasTexts ? context.tools : [:]
    }

    /// Passes events on, with what is missing of calls.
    mutating func take(_ events: [AnswerEvent], _ output: inout [AnswerEvent]) {
        for event in events where !isDone { take(event, &output) }
    }

    /// Whether a call's arguments are kept back for now.
    func isHeld(_ key: Int) -> Bool { open[key]?.isHeld == true }

    /// Takes more of an open call's arguments, which were passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        open[key]?.arguments.append(contentsOf: text.inner)
    }

    private mutating func take(_ event: AnswerEvent, _ output: inout [AnswerEvent]) {
        switch event {
        case .opened(let item): begin(item, &output)
        case .arguments(let key, _) where nameless.contains(key): return
        case .closed(let key, _) where nameless.contains(key): return
        case .sealed(let key, _, _) where nameless.contains(key): return
        case .arguments(let key, let text): add(text, key, &output)
        case .closed(let key, let isCut):
            guard let call = open.removeValue(forKey: key) else { return output.append(event) }
            close(call, key, isCut, &output)
        case .finished(let finish, _) where (isBroken || hasCutCall) && !finish.isCut:
            isDone = true
            output.append(.failed(.brokenCall))
        case .finished(.toolCalls, let counts) where !hasCalls:
            // A client would wait for a call that never came.
            isDone = true
            output.append(.finished(.end, counts))
        case .finished, .failed:
            isDone = true
            output.append(event)
        default: output.append(event)
        }
    }

    private mutating func begin(_ item: AnswerItem, _ output: inout [AnswerEvent]) {
        guard case .call(_, let name) = item.kind else { return output.append(.opened(item)) }
        guard !name.isEmpty else {
            isBroken = true
            nameless.insert(item.key)
            return
        }
        hasCalls = true
        var item = item
        let isText = tools[name]?.isCustom == true
        let kind: Arguments = isText ? .text : item.isFreeText ? .wrapped : .object
        if kind == .wrapped { item.isFreeText = false }
        if kind == .object, let arguments = item.arguments, Self.isNothing(arguments.inner) {
            item.arguments = EscapedText("{}")
        }
        open[item.key] = Open(
            path: item.path, kind: kind, arguments: Array(item.arguments?.inner ?? []),
            isHeld: kind == .wrapped || kind == .object && item.arguments == nil)
        output.append(.opened(item))
    }

    private mutating func add(_ text: EscapedText, _ key: Int, _ output: inout [AnswerEvent]) {
        guard let call = open[key], call.isHeld else {
            open[key]?.arguments.append(contentsOf: text.inner)
            return output.append(.arguments(key: key, text))
        }
        let arguments = call.arguments + text.inner
        open[key]?.arguments = arguments
        guard call.kind == .object, !Self.mayBeNothing(arguments[...]) else { return }
        open[key]?.isHeld = false
        output.append(.arguments(key: key, EscapedText(inner: arguments[...])))
    }

    private mutating func close(
        _ call: Open, _ key: Int, _ isCut: Bool, _ output: inout [AnswerEvent]
    ) {
        let text = EscapedText(inner: call.arguments[...])
        switch call.kind {
        case .text where !isCut: return output.append(.closed(key: key, isCut: false))
        case .wrapped where !isCut:
            output.append(.arguments(key: key, Self.wrapped(text)))
            return output.append(.closed(key: key, isCut: false))
        case .object where Self.isNothing(text.inner):
            guard !isCut else { break }
            output.append(.arguments(key: key, EscapedText("{}")))
            return output.append(.closed(key: key, isCut: false))
        default: break
        }
        let isWhole = call.kind != .wrapped && RawJSON.object(of: text) != nil
        if isWhole { return output.append(.closed(key: key, isCut: false)) }
        guard isCut else { return isBroken = true }
        hasCutCall = true
        output.append(.lost(Loss(kind: .dropped, path: call.path, isHarmless: false)))
        output.append(.closed(key: key, isCut: true))
    }

    /// Free text as the arguments of the function that stands for its tool.
    private static func wrapped(_ text: EscapedText) -> EscapedText {
        let object = Array(#"{"input":""#.utf8) + text.inner + Array(#""}"#.utf8)
        return EscapedText(bytes: object[...])
    }

    /// Whether whole arguments say nothing: none, space, or `null`.
    private static func isNothing(_ text: ArraySlice<UInt8>) -> Bool {
        let rest = trimmed(text)
        return rest.isEmpty || rest.span.matches("null")
    }

    /// Whether arguments may come to say nothing.
    private static func mayBeNothing(_ text: ArraySlice<UInt8>) -> Bool {
        "null".utf8.starts(with: trimmed(text))
    }

    /// A text inside of a JSON string without the space around it.
    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = EscapedText(inner: text).trimmedAtEnd.inner
        while let first = rest.first {
            if first == 0x20 {
                rest = rest.dropFirst()
            } else if first == UInt8(ascii: "\\"), let second = rest.dropFirst().first,
                [UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t")].contains(second)
            {
                rest = rest.dropFirst(2)
            } else {
                break
            }
        }
        return rest
    }
}
