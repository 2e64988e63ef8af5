import HTTP
import Primitives

@testable import Translation

/// An agent of one dialect: it keeps its history as its SDK would, and runs what the model calls.
struct AgentSession {
    let form: Form
    /// The elements of the history, as JSON.
    private(set) var history: [String]

    init(_ form: Form) {
        self.form = form
        switch form {
        case .chat, .messages, .responses: history = [#"{"role":"user","content":"begin"}"#]
        case .gemini: history = [#"{"role":"user","parts":[{"text":"begin"}]}"#]
        }
    }

    /// The next request.
    var body: String {
        let list = "[\(history.joined(separator: ","))]"
        let schema = #"{"type":"object","properties":{"a":{"type":"string"}}}"#
        switch form {
        case .chat:
            return #"{"model":"m","messages":\#(list),"tools":[{"type":"function","#
                + #""function":{"name":"f","parameters":\#(schema)}}]}"#
        case .responses:
            return #"{"model":"m","instructions":"S","input":\#(list),"tools":[{"type":"#
                + #""function","name":"f","parameters":\#(schema)}]}"#
        case .messages:
            return #"{"model":"m","max_tokens":9999,"system":"S","messages":\#(list),"#
                + #""tools":[{"name":"f","input_schema":\#(schema)}]}"#
        case .gemini:
            return #"{"contents":\#(list),"tools":[{"functionDeclarations":[{"name":"f","#
                + #""parametersJsonSchema":\#(schema)}]}]}"#
        }
    }

    /// Adds an answer and the results of its calls.
    mutating func take(_ answer: AnswerTranscript) {
        let results = answer.items.compactMap { entry -> (id: String, name: String)? in
            guard case .call(let id, let name) = entry.item.kind else { return nil }
            return (id, name)
        }
        switch form {
        case .chat:
            history.append(Self.chat(answer))
            history += results.map {
                #"{"role":"tool","tool_call_id":"\#($0.id)","content":"done"}"#
            }
        case .responses:
            history += answer.items.map(Self.responses)
            history += results.map {
                #"{"type":"function_call_output","call_id":"\#($0.id)","output":"done"}"#
            }
        case .messages:
            let blocks = answer.items.map(Self.messages).joined(separator: ",")
            history.append(#"{"role":"assistant","content":[\#(blocks)]}"#)
            let done = results.map {
                #"{"type":"tool_result","tool_use_id":"\#($0.id)","content":"done"}"#
            }
            history.append(#"{"role":"user","content":[\#(done.joined(separator: ","))]}"#)
        case .gemini:
            let parts = answer.items.flatMap(Self.gemini).joined(separator: ",")
            history.append(#"{"role":"model","parts":[\#(parts)]}"#)
            let done = results.map {
                #"{"functionResponse":{"id":"\#($0.id)","name":"\#($0.name)","#
                    + #""response":{"output":"done"}}}"#
            }
            history.append(#"{"role":"user","parts":[\#(done.joined(separator: ","))]}"#)
        }
    }

    private static func text(_ entry: AnswerTranscript.Item) -> String {
        String(decoding: entry.text.inner, as: UTF8.self)
    }

    private static func arguments(_ entry: AnswerTranscript.Item) -> String {
        String(decoding: entry.arguments, as: UTF8.self)
    }

    private static func value(_ sealed: Sealed?) -> String {
        String(decoding: sealed?.value.inner ?? [], as: UTF8.self)
    }

    private static func chat(_ answer: AnswerTranscript) -> String {
        var text = ""
        var calls: [String] = []
        for entry in answer.items {
            switch entry.item.kind {
            case .text, .refusal: text += self.text(entry)
            case .reasoning: break
            case .call(let id, let name):
                let signature = value(entry.item.sealed)
                let extra =
                    signature.isEmpty
                    ? "" : #","extra_content":{"google":{"thought_signature":"\#(signature)"}}"#
                calls.append(
                    #"{"id":"\#(id)","type":"function","function":{"name":"\#(name)","#
                        + #""arguments":"\#(arguments(entry))"}\#(extra)}"#)
            }
        }
        return #"{"role":"assistant","content":"\#(text)","tool_calls":"#
            + "[\(calls.joined(separator: ","))]}"
    }

    private static func responses(_ entry: AnswerTranscript.Item) -> String {
        switch entry.item.kind {
        case .text, .refusal:
            return #"{"type":"message","role":"assistant","content":[{"type":"output_text","#
                + #""text":"\#(text(entry))"}]}"#
        case .reasoning:
            let summary =
                text(entry).isEmpty
                ? "" : #"{"type":"summary_text","text":"\#(text(entry))"}"#
            return #"{"type":"reasoning","summary":[\#(summary)],"encrypted_content":"#
                + "\"\(value(entry.sealed))\"}"
        case .call(let id, let name):
            return #"{"type":"function_call","call_id":"\#(id)","name":"\#(name)","#
                + #""arguments":"\#(arguments(entry))"}"#
        }
    }

    private static func messages(_ entry: AnswerTranscript.Item) -> String {
        switch entry.item.kind {
        case .text, .refusal: return #"{"type":"text","text":"\#(text(entry))"}"#
        case .reasoning:
            return #"{"type":"thinking","thinking":"\#(text(entry))","signature":"#
                + "\"\(value(entry.sealed))\"}"
        case .call(let id, let name):
            let input = EscapedText(inner: entry.arguments[...]).plain
            return #"{"type":"tool_use","id":"\#(id)","name":"\#(name)","input":\#(input)}"#
        }
    }

    private static func gemini(_ entry: AnswerTranscript.Item) -> [String] {
        let signature = value(entry.sealed ?? entry.item.sealed)
        let extra = signature.isEmpty ? "" : #","thoughtSignature":"\#(signature)""#
        switch entry.item.kind {
        case .text, .refusal: return [#"{"text":"\#(text(entry))"}"#]
        case .reasoning: return [#"{"text":"\#(text(entry))","thought":true\#(extra)}"#]
        case .call(let id, let name):
            let input = EscapedText(inner: entry.arguments[...]).plain
            return [
                #"{"functionCall":{"id":"\#(id)","name":"\#(name)","args":\#(input)}\#(extra)}"#
            ]
        }
    }
}
