/// Looks at the calls of an answer on their way: none without arguments, none that breaks off.
///
/// An agent does what a call says. So a call that is not whole is never shown as one that is.
struct CallGuard {
    private struct Open {
        let path: String
        var arguments: [UInt8] = []
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

    /// Passes events on, with what is missing of calls.
    mutating func take(_ events: [AnswerEvent], _ output: inout [AnswerEvent]) {
        for event in events where !isDone { take(event, &output) }
    }

    /// Takes more of an open call's arguments, which were passed on already.
    mutating func keep(_ text: EscapedText, of key: Int) {
        open[key]?.arguments.append(contentsOf: text.inner)
    }

    private mutating func take(_ event: AnswerEvent, _ output: inout [AnswerEvent]) {
        switch event {
        case .opened(let item):
            if case .call(_, let name) = item.kind, name.isEmpty {
                isBroken = true
                nameless.insert(item.key)
                return
            }
            output.append(event)
            guard item.isCall else { return }
            hasCalls = true
            open[item.key] = Open(
                path: item.path, arguments: Array(item.arguments?.inner ?? []))
        case .arguments(let key, _) where nameless.contains(key): return
        case .closed(let key, _) where nameless.contains(key): return
        case .sealed(let key, _, _) where nameless.contains(key): return
        case .arguments(let key, let text):
            output.append(event)
            open[key]?.arguments.append(contentsOf: text.inner)
        case .closed(let key, let isCut):
            guard let call = open.removeValue(forKey: key) else { return output.append(event) }
            if call.arguments.isEmpty {
                if isCut {
                    hasCutCall = true
                    return output.append(event)
                }
                output.append(.arguments(key: key, EscapedText("{}")))
                return output.append(event)
            }
            let isWhole = RawJSON.object(of: EscapedText(inner: call.arguments[...])) != nil
            if isWhole { return output.append(.closed(key: key, isCut: false)) }
            if isCut {
                hasCutCall = true
                output.append(
                    .lost(Loss(kind: .dropped, path: call.path, isHarmless: false)))
                return output.append(.closed(key: key, isCut: true))
            }
            isBroken = true
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
}
