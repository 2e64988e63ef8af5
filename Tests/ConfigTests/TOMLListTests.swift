import Testing

@testable import Config

@Suite("TOML: lists and inline tables")
struct TOMLListTests {
    /// A document, and its tree.
    static let valid: [(document: String, tree: String)] = [
        ("a = []", "{a: []}"),
        ("a = [ ]", "{a: []}"),
        ("a = [\n]", "{a: []}"),
        ("a = [ # c\n]", "{a: []}"),
        ("a = [1]", "{a: [1]}"),
        ("a = [1,]", "{a: [1]}"),
        ("a = [1, ]", "{a: [1]}"),
        ("a = [1\n]", "{a: [1]}"),
        ("a = [1\n,\n2]", "{a: [1, 2]}"),
        ("a = [1, 2, 3]", "{a: [1, 2, 3]}"),
        ("a = [1,2,]", "{a: [1, 2]}"),
        ("a = [\n  1,\n  2,\n]", "{a: [1, 2]}"),
        ("a = [\n  1, # one\n  2, # two\n]", "{a: [1, 2]}"),
        ("a = [1 # one\n, 2]", "{a: [1, 2]}"),
        ("a = [\r\n1,\r\n2\r\n]", "{a: [1, 2]}"),
        ("a = [[]]", "{a: [[]]}"),
        ("a = [[[]]]", "{a: [[[]]]}"),
        ("a = [[1], [2]]", "{a: [[1], [2]]}"),
        (#"a = [[1, 2], ["a"]]"#, #"{a: [[1, 2], ["a"]]}"#),
        (#"a = [1, "a", 1.5, true, [1], {b = 1}]"#, #"{a: [1, "a", 1.5, true, [1], {b: 1}]}"#),
        (#"a = ["a", 'b', """c""", '''d''']"#, #"{a: ["a", "b", "c", "d"]}"#),
        (#"a = ["a,b", "]"]"#, #"{a: ["a,b", "]"]}"#),
        (##"a = ["#", '#'] # c"##, ##"{a: ["#", "#"]}"##),
        ("a = [{}]", "{a: [{}]}"),
        ("a = [{}, {}]", "{a: [{}, {}]}"),
        ("a = [{b = 1}, {b = 2}]", "{a: [{b: 1}, {b: 2}]}"),
        ("a = [{b = 1},\n{b = 2}\n]", "{a: [{b: 1}, {b: 2}]}"),
        (#"a = ["""\#nx\#n""",]"#, #"{a: ["x\n"]}"#),
        ("a = [ [ 1 ] , [ 2 ] ]", "{a: [[1], [2]]}"),
        ("a = [\n\n1\n\n,\n\n]", "{a: [1]}"),
        ("a = {}", "{a: {}}"),
        ("a = { }", "{a: {}}"),
        ("a = {\t}", "{a: {}}"),
        ("a = {b = 1}", "{a: {b: 1}}"),
        ("a = { b = 1 }", "{a: {b: 1}}"),
        ("a = {b=1,c=2}", "{a: {b: 1, c: 2}}"),
        ("a = { b = 1, c = 2 }", "{a: {b: 1, c: 2}}"),
        ("a = {b = 1 ,c = 2}", "{a: {b: 1, c: 2}}"),
        ("a = {b.c = 1}", "{a: {b: {c: 1}}}"),
        ("a = {b.c = 1, b.d = 2}", "{a: {b: {c: 1, d: 2}}}"),
        ("a = {b.c = 1, d = 2, b.e = 3}", "{a: {b: {c: 1, e: 3}, d: 2}}"),
        ("a = {b = {}}", "{a: {b: {}}}"),
        ("a = {b = {c = {d = 1}}}", "{a: {b: {c: {d: 1}}}}"),
        (#"a = {"b c" = 1}"#, #"{a: {"b c": 1}}"#),
        ("a = {'b' = 1}", "{a: {b: 1}}"),
        ("a = {b = [1, 2]}", "{a: {b: [1, 2]}}"),
        ("a = {b = [\n1,\n2\n]}", "{a: {b: [1, 2]}}"),
        ("a = {b = [ # c\n1]}", "{a: {b: [1]}}"),
        (#"a = {b = """\#nx\#ny"""}"#, #"{a: {b: "x\ny"}}"#),
        ("a = {b = [{c = 1}, {c = 2}]}", "{a: {b: [{c: 1}, {c: 2}]}}"),
        ("a = {b = 1} # c", "{a: {b: 1}}"),
        ("a.b = {c = 1}", "{a: {b: {c: 1}}}"),
        ("a.b = {}\na.c = {}", "{a: {b: {}, c: {}}}"),
        (#"a = {b = "}"}"#, #"{a: {b: "}"}}"#),
        ("a = {b = '#'}", ##"{a: {b: "#"}}"##),
        ("a = {1 = 2}", "{a: {1: 2}}"),
        (#"a = {"" = 1}"#, #"{a: {"": 1}}"#),
        ("a = { b.c = { d.e = 1 } }", "{a: {b: {c: {d: {e: 1}}}}}"),
        ("a = [{b.c = 1}, {b.c = 2}]", "{a: [{b: {c: 1}}, {b: {c: 2}}]}"),
        ("a = [true]\nb = [false]", "{a: [true], b: [false]}"),
    ]

    /// A document, and how the first of its faults begins: where it is and what it is.
    static let invalid: [(document: String, fault: String)] = [
        ("a = [", "1:5: the list that begins here has no ] at its end"),
        ("a = [1", "1:5: the list that begins here has no ] at its end"),
        ("a = [1,", "1:5: the list that begins here has no ] at its end"),
        ("a = [\n", "1:5: the list that begins here has no ] at its end"),
        ("a = [1 2]", #"1:8: a comma or ] is needed after an element of a list, not "2""#),
        ("a = [1\n2]", #"2:1: a comma or ] is needed after an element of a list, not "2""#),
        ("a = [,]", #"1:6: a value is needed here, not ",""#),
        ("a = [,1]", #"1:6: a value is needed here, not ",""#),
        ("a = [1,,2]", #"1:8: a value is needed here, not ",""#),
        ("a = [1,,]", #"1:8: a value is needed here, not ",""#),
        ("a = [1;2]", #"1:7: a comma or ] is needed after an element of a list, not ""#),
        ("a = [1]]", #"1:8: the line must end after a value, not go on with "]""#),
        ("a = ]", #"1:5: a value is needed here, not "]""#),
        ("a = [[1]", "1:5: the list that begins here has no ] at its end"),
        ("a = [1, [2]", "1:5: the list that begins here has no ] at its end"),
        ("a = [a]", "1:6: no value begins like this"),
        ("a = [a, b]", "1:6: no value begins like this"),
        (#"a = ["x" "y"]"#, "1:10: a comma or ] is needed after an element of a list, not a quote"),
        ("a = [1 # ]", "1:5: the list that begins here has no ] at its end"),
        ("a = [b = 1]", "1:6: no value begins like this"),
        (#"a = ["x]"#, "1:6: the text that begins here has no quote at its end"),
        ("a = [ #", "1:5: the list that begins here has no ] at its end"),
        ("a = {", "1:6: } is needed before the end of the file"),
        ("a = {b", "1:7: = is needed after a key, not the end of the file"),
        ("a = {b =", "1:9: a value is needed here, not the end of the file"),
        ("a = {b = 1", "1:11: } is needed before the end of the file"),
        ("a = {b = 1,", "1:12: } is needed before the end of the file"),
        ("a = {b = 1,}", "1:11: no comma may stand before the } of a table"),
        ("a = {b = 1, }", "1:11: no comma may stand before the } of a table"),
        ("a = {,}", #"1:6: a key is needed here, not ",""#),
        ("a = {, b = 1}", #"1:6: a key is needed here, not ",""#),
        ("a = {b = 1,, c = 2}", #"1:12: a key is needed here, not ",""#),
        ("a = {b = 1 c = 2}", #"1:12: a comma or } is needed in an inline table, not "c""#),
        ("a = {b = 1; c = 2}", #"1:11: a comma or } is needed in an inline table, not ""#),
        ("a = {b}", #"1:7: = is needed after a key, not "}""#),
        ("a = {b = }", #"1:10: a value is needed here, not "}""#),
        ("a = {= 1}", #"1:6: a key is needed here, not "=""#),
        ("a = {1}", #"1:7: = is needed after a key, not "}""#),
        (#"a = {"b"}"#, #"1:9: = is needed after a key, not "}""#),
        ("a = {\n}", "1:6: an inline table must stand on one line, and } is missing on this one"),
        (
            "a = {\nb = 1}",
            "1:6: an inline table must stand on one line, and } is missing on this one"
        ),
        (
            "a = {b = 1\n}",
            "1:11: an inline table must stand on one line, and } is missing on this one"
        ),
        (
            "a = {b = 1,\nc = 2}",
            "1:12: an inline table must stand on one line, and } is missing on this one"
        ),
        ("a = {b =\n1}", "1:9: a value is needed here, not the end of the line"),
        ("a = {b\n= 1}", "1:7: = is needed after a key, not the end of the line"),
        ("a = {\r\n}", "1:6: an inline table must stand on one line, and } is missing on this one"),
        (
            "a = {b = 1\r\n}",
            "1:11: an inline table must stand on one line, and } is missing on this one"
        ),
        (
            "a = { # c\n}",
            "1:7: an inline table must stand on one line, and } is missing on this one"
        ),
        (
            "a = {b = 1 # c\n}",
            "1:12: an inline table must stand on one line, and } is missing on this one"
        ),
        (
            "a = {b = 1, # c\nc = 2}",
            "1:13: an inline table must stand on one line, and } is missing on this one"
        ),
        ("a = {b = 1}}", #"1:12: the line must end after a value, not go on with "}""#),
        ("a = }", #"1:5: a value is needed here, not "}""#),
        ("a = {b = 1, b = 2}", #"1:13: "b" is set twice"#),
        (#"a = {b = 1, "b" = 2}"#, #"1:13: "b" is set twice"#),
        ("a = {b = 1, b.c = 2}", #"1:13: "b" is a whole number (line 1)"#),
        ("a = {b.c = 1, b = 2}", #"1:15: "b" is set twice"#),
        ("a = {b.c = 1, b.c = 2}", #"1:15: "b.c" is set twice"#),
        ("a = {b = {c = 1}, b.d = 2}", #"1:19: "b" is an inline table (line 1)"#),
        ("a = {b = [1], b.d = 2}", #"1:15: "b" is a list in brackets (line 1)"#),
        ("a = {b.c = {}, b.c.d = 1}", #"1:16: "b.c" is an inline table (line 1)"#),
        ("a = {b = 1]", #"1:11: a comma or } is needed in an inline table, not "]""#),
        ("a = [1}", #"1:7: a comma or ] is needed after an element of a list, not "}""#),
        ("a = [{b = 1]", #"1:12: a comma or } is needed in an inline table, not "]""#),
        ("a = [{b = 1, b = 2}]", #"1:14: "b" is set twice"#),
        ("a = {b : 1}", #"1:8: = is needed after a key, not ":""#),
        ("a = {{}}", #"1:6: a key is needed here, not "{""#),
        ("a = {[]}", #"1:6: a key is needed here, not "[""#),
        ("a = {b = 1} c = 2", #"1:13: the line must end after a value, not go on with "c""#),
        ("a = {.b = 1}", #"1:6: a key is needed here, not ".""#),
        ("a = {b. = 1}", #"1:9: a name is needed after the dot of a key, not "=""#),
        ("a = {b..c = 1}", #"1:8: a name is needed after the dot of a key, not ".""#),
        ("a = [1, 2\nb = 3", #"2:1: a comma or ] is needed after an element of a list, not "b""#),
        ("a = [\n  1\n  # c", "1:5: the list that begins here has no ] at its end"),
    ]

    @Test("are read into their tree", arguments: valid)
    func reads(_ document: String, _ tree: String) throws {
        #expect(try TOMLTree.read(document) == tree)
    }

    @Test("are refused, and the fault has its location", arguments: invalid)
    func refuses(_ document: String, _ fault: String) {
        let first = TOMLTree.faults(of: document).first ?? "none"
        #expect(first.hasPrefix(fault), "\(first)")
    }
}
