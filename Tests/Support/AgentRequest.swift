/// A Messages request as a coding agent sends it: instructions, many tools, and rounds of calls
/// whose results are pieces of source text.
public struct AgentRequest {
    /// Bytes of a body at least.
    private let size: Int
    private let isStreamed: Bool

    /// A request whose body is of a size, and a little more.
    public init(size: Int, isStreamed: Bool = true) {
        self.size = size
        self.isStreamed = isStreamed
    }

    /// A piece of source text as it stands in JSON: an escape in every line, and quotes.
    private static let source: String = {
        (0..<40).map { line in
            #"        if let value\#(line) = map[\"key\#(line)\"] {\n"#
                + #"            print(\"value \\(value\#(line))\")\n        }\n"#
        }.joined()
    }()

    private static func tool(_ number: Int) -> String {
        let types = ["string", "integer", "boolean"]
        let members = (0..<8).map { member in
            #""p\#(member)":{"type":"\#(types[member % 3])","description":"#
                + #""The parameter \#(member) of the tool, as the user gave it."}"#
        }.joined(separator: ",")
        let text =
            #"Reads a file from the disk and gives its lines.\n\nUse it where \"path\" is known. "#
        return #"{"name":"tool_\#(number)","description":"\#(text + text + text)","#
            + #""input_schema":{"type":"object","properties":{\#(members),"list":"#
            + #"{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}},"#
            + #""required":["a"],"additionalProperties":false}}},"required":["p0","p1"],"#
            + #""additionalProperties":false}}"#
    }

    private static func round(_ number: Int) -> String {
        let id = "toolu_\(number)"
        return #"{"role":"assistant","content":[{"type":"text","text":"Step \#(number): I look at "#
            + #"the file \"a\#(number).swift\" now.\n"},{"type":"tool_use","id":"\#(id)","name":"#
            + #""tool_\#(number % 30)","input":{"p0":"src/a\#(number).swift","p1":\#(number),"#
            + #""text":"\#(source.prefix(300))\n"}}]},{"role":"user","content":["#
            + #"{"type":"tool_result","tool_use_id":"\#(id)","content":[{"type":"text","text":"#
            + #""\#(source.prefix(2400))\n"}]}]}"#
    }

    /// The body of the request.
    public var body: [UInt8] {
        let system = String(repeating: #"You are an engineer.\n\n"#, count: 300)
        var text =
            #"{"model":"m","max_tokens":4096,"stream":\#(isStreamed),"system":["#
            + #"{"type":"text","text":"#
            + #""\#(system)","cache_control":{"type":"ephemeral"}}],"tools":["#
        text += (0..<30).map(Self.tool).joined(separator: ",")
        text += #"],"messages":[{"role":"user","content":"Change the module."}"#
        var number = 0
        while text.utf8.count < size {
            text += "," + Self.round(number)
            number += 1
        }
        return Array((text + "]}").utf8)
    }
}
