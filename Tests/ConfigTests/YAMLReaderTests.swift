import Testing

@testable import Config

@Suite("YAML")
struct YAMLReaderTests {
    /// A value as one line of JSON-like text.
    private static func text(_ value: YAMLValue) -> String {
        switch value {
        case .null: "-"
        case .scalar(let text, let isQuoted): isQuoted ? "\"\(text)\"" : text
        case .list(let elements): "[" + elements.map(text).joined(separator: ",") + "]"
        case .map(let members):
            "{" + members.map { "\($0.name):\(text($0.value))" }.joined(separator: ",") + "}"
        }
    }

    static let documents: [(yaml: String, read: String)] = [
        ("", "-"), ("# nothing\n\n", "-"), ("a", "a"), ("---\na: 1\n", "{a:1}"),
        ("a: 1\nb: 'x: y'\nc: \"z\\n\"\n", "{a:1,b:\"x: y\",c:\"z\n\"}"),
        ("a:\n  b:\n    c: 1\n  d: 2\n", "{a:{b:{c:1},d:2}}"),
        ("a:\n- 1\n- 2\nb: 3\n", "{a:[1,2],b:3}"),
        ("a:\n  - x: 1\n    y: 2\n  - x: 3\n", "{a:[{x:1,y:2},{x:3}]}"),
        ("- - 1\n  - 2\n- 3\n", "[[1,2],3]"), ("-\n  a: 1\n-\n", "[{a:1},-]"),
        ("a: [1, 'b', {c: d}]\n", "{a:[1,\"b\",{c:d}]}"),
        ("a: [\n  1,\n  2 # two\n]\nb: 1\n", "{a:[1,2],b:1}"),
        ("a: {\"x\": [\"y\"]}\n", "{a:{x:[\"y\"]}}"),
        ("a: [{\"m\": [\"n\", \"o\"]}]", "{a:[{m:[\"n\",\"o\"]}]}"),
        ("a: b # c\nd: e#f\ng: 'h # i'\n", "{a:b,d:e#f,g:\"h # i\"}"),
        ("a: http://h:1/p?q=r\n", "{a:http://h:1/p?q=r}"),
        ("a: os.environ/KEY\nb: ~\nc: null\nd:\n", "{a:os.environ/KEY,b:-,c:-,d:-}"),
        ("a: |\n  one\n  two\nb: 1\n", "{a:\"one\ntwo\n\",b:1}"),
        ("a: >-\n  one\n  two\nb: 1\n", "{a:\"one two\",b:1}"),
        ("a: it''s\nb: 'it''s'\n", "{a:it''s,b:\"it's\"}"),
        ("\"a b\": 1\n'c': 2\n", "{a b:1,c:2}"), ("a: []\nb: {}\n", "{a:[],b:{}}"),
        ("model_list:\r\n  - model_name: \"*\"\r\n", "{model_list:[{model_name:\"*\"}]}"),
    ]

    @Test("is read as it is written", arguments: documents)
    func reading(_ document: (yaml: String, read: String)) throws {
        #expect(try Self.text(YAMLReader.read(document.yaml)) == document.read)
    }

    static let faults: [(yaml: String, line: Int, reason: String)] = [
        ("a: &x 1\n", 1, "anchor"), ("a: *x\n", 1, "anchor"), ("a: !!str b\n", 1, "tag"),
        ("a:\n  <<: x\n", 2, "merges"), ("a: 1\na: 2\n", 2, "twice"), ("a: 1\n  b: 2\n", 2, "more"),
        ("a:\n    b: 1\n  c: 2\n", 3, "more"), ("\ta: 1\n", 1, "tab"), ("a: [1\n", 1, "not closed"),
        ("a: 'b\n", 1, "not closed"), ("a: [1] 2\n", 1, "more behind"),
        ("a: 1\n---\nb: 2\n", 2, "second"),
        ("a: 1\nword\n", 2, "name: value"), ("a: \"\\q\"\n", 1, "escape"),
    ]

    @Test("that is not read here is refused with its line", arguments: faults)
    func refusals(_ sample: (yaml: String, line: Int, reason: String)) {
        do {
            let value = try YAMLReader.read(sample.yaml)
            Issue.record("\(sample.yaml) is read as \(value)")
        } catch {
            #expect(error.line == sample.line, "\(sample.yaml): \(error)")
            #expect(error.reason.contains(sample.reason), "\(sample.yaml): \(error)")
        }
    }

    @Test("may be anything: no text stops the program")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        let signs = Array("ab:-[]{},'\"#|>&* \n\t\\0")
        for _ in 0..<3000 {
            let text = String((0..<30).map { _ in signs.randomElement(using: &generator) ?? "a" })
            _ = try? YAMLReader.read(text)
        }
        let deep = String(repeating: "[", count: 5000)
        #expect(throws: YAMLReader.Fault.self) { try YAMLReader.read("a: \(deep)") }
        #expect(throws: YAMLReader.Fault.self) {
            try YAMLReader.read(String(repeating: "- ", count: 5000) + "a")
        }
    }
}
