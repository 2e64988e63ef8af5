import HTTP
import JSON
import Primitives
import Testing

@testable import Translation

@Suite("Items of a Responses stream")
struct InterleavedItemTests {
    /// The events of a stream in the other form, as values.
    private func translate(_ events: [String], to form: Form) throws -> [JSONValue] {
        var translation = StreamTranslation(AnswerContext(from: .responses, to: form))
        var output = ByteBuffer()
        for event in events {
            translation.take(Array("data: \(event)\n\n".utf8).span, into: &output)
        }
        translation.end(into: &output)
        return try String(decoding: Array(output.bytes), as: UTF8.self)
            .replacing("\r\n", with: "\n").split(separator: "\n")
            .filter { $0.hasPrefix("data: {") }
            .map { try JSONValue(parsing: String($0.dropFirst(6))) }
    }

    private static func annotation(_ url: String) -> String {
        #"{"type":"url_citation","start_index":0,"end_index":1,"url":"\#(url)","title":"t"}"#
    }

    @Test("cite each source once, and in chat all in one piece")
    func citations() throws {
        let (first, second) = (Self.annotation("https://a"), Self.annotation("https://b"))
        let part = #"{"type":"output_text","text":"a","annotations":[\#(first),\#(second)]}"#
        let item = #"{"type":"message","role":"assistant","content":[\#(part)]}"#
        func added(_ annotation: String) -> String {
            #"{"type":"response.output_text.annotation.added","output_index":0,"#
                + #""annotation":\#(annotation)}"#
        }
        let events = [
            #"{"type":"response.created","response":{"id":"r","model":"m"}}"#,
            #"{"type":"response.output_item.added","output_index":0,"item":{"type":"message"}}"#,
            #"{"type":"response.output_text.delta","output_index":0,"delta":"a"}"#,
            added(first),
            // The second one comes with the item's end alone.
            #"{"type":"response.output_item.done","output_index":0,"item":\#(item)}"#,
            #"{"type":"response.completed","response":{"status":"completed","output":[\#(item)]}}"#,
        ]
        let chunks = try translate(events, to: .chat)
        let lists = chunks.compactMap {
            $0["choices"]?.elements?.first?["delta"]?["annotations"]?.elements
        }
        #expect(lists.count == 1)
        #expect(
            lists.first?.compactMap { $0["url_citation"]?["url"]?.text } == [
                "https://a", "https://b",
            ])
    }

    @Test("become Gemini's calls in the order of their beginnings, the first one signed")
    func order() throws {
        func call(_ index: Int, _ arguments: String) -> String {
            #"{"type":"function_call","call_id":"c\#(index)","name":"f","#
                + #""arguments":"\#(arguments)"}"#
        }
        var events = [#"{"type":"response.created","response":{"id":"r","model":"m"}}"#]
        for index in 0..<3 {
            events.append(
                #"{"type":"response.output_item.added","output_index":\#(index),"item":"#
                    + "\(call(index, ""))}")
        }
        for index in [2, 1, 0] {
            events.append(
                #"{"type":"response.output_item.done","output_index":\#(index),"item":"#
                    + "\(call(index, "{}"))}")
        }
        events.append(#"{"type":"response.completed","response":{"status":"completed"}}"#)
        let parts = try translate(events, to: .gemini).flatMap {
            $0["candidates"]?.elements?.first?["content"]?["parts"]?.elements ?? []
        }.filter { $0["functionCall"] != nil }
        #expect(parts.compactMap { $0["functionCall"]?["id"]?.text } == ["c0", "c1", "c2"])
        #expect(parts.map { $0["thoughtSignature"] != nil } == [true, false, false])
    }
}
