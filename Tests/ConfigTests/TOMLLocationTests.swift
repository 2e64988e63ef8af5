import Testing

@testable import Config

@Suite("TOML: locations")
struct TOMLLocationTests {
    private static let document = """
        # comment with [brackets]
        top = 1
          [a.b]   # comment
        "quoted key" = '''multi
        line = [1]'''
        c.d = { e = 1, f = { g = 2 } }
        text = "an \\" escaped # quote"
        after = 1
        [[list]]
        x = [
          1, # one
          { y = 2 },
        ]
        [list.inner]
        z = 1
        [[list]]
        x = 2
        é.key = 1
        """.replacing("é.key", with: "\"é\".key")

    @Test("of keys, headers and elements are found through every shape of TOML")
    func keys() throws {
        let table = try TOMLReader.read(Array(Self.document.utf8))
        let expected: [(String, Int, Int)] = [
            ("top", 2, 1), ("a", 3, 3), ("a.b", 3, 3), ("a.b.quoted key", 4, 1),
            ("a.b.c", 6, 1), ("a.b.c.d", 6, 1), ("a.b.c.d.e", 6, 9), ("a.b.c.d.f", 6, 16),
            ("a.b.c.d.f.g", 6, 22), ("a.b.text", 7, 1), ("a.b.after", 8, 1), ("list", 9, 1),
            ("list[0]", 9, 1), ("list[0].x", 10, 1), ("list[0].x[0]", 11, 3),
            ("list[0].x[1]", 12, 3), ("list[0].x[1].y", 12, 5), ("list[0].inner", 14, 1),
            ("list[0].inner.z", 15, 1), ("list[1]", 16, 1), ("list[1].x", 17, 1),
            ("list[1].é.key", 18, 1),
        ]
        for (path, line, column) in expected {
            let location = table.location(of: path, in: .start)
            #expect(location == SourceLocation(line: line, column: column), "\(path)")
        }
    }

    @Test("of what is not there are those of the table or element that it is missing from")
    func missing() throws {
        let table = try TOMLReader.read(Array(Self.document.utf8))
        let expected: [(String, Int, Int)] = [
            ("nothing", 1, 1), ("nothing.at.all", 1, 1), ("a.nothing", 3, 3),
            ("a.b.nothing", 3, 3), ("a.b.c.d.nothing", 6, 1), ("list[2]", 9, 1),
            ("list[1].nothing", 16, 1), ("list[0].x[1].nothing", 12, 3), ("list[x]", 9, 1),
            ("list[0", 9, 1), ("list[-1]", 9, 1), ("list.x", 9, 1), ("top.x", 2, 1),
            ("top[0]", 2, 1), ("", 1, 1), (".", 1, 1), ("[", 1, 1),
            ("list[99999999999999999999]", 9, 1),
        ]
        for (path, line, column) in expected {
            let location = table.location(of: path, in: .start)
            #expect(location == SourceLocation(line: line, column: column), "\(path)")
        }
    }

    @Test("of keys that hold dots and brackets are found, the longest key first")
    func dots() throws {
        let document = "\"a.b\" = 1\na.b = 2\n\"c[0]\" = 3\nc = [4]\n\"d.e\".f = 5\nd.e.f = 6\n"
        let table = try TOMLReader.read(Array(document.utf8))
        for (path, line) in [("a.b", 1), ("a", 2), ("c[0]", 3), ("c", 4), ("d.e.f", 5), ("d", 6)] {
            #expect(table.location(of: path, in: .start).line == line, "\(path)")
        }
    }

    @Test("of values are those of their first byte")
    func values() throws {
        let document = "a =  1\nb = [ 2,\n\t'x']\nc.d = { e = 3 }\n[f]\n[[g]]\n"
        let table = try TOMLReader.read(Array(document.utf8))
        var found: [String] = []
        func walk(_ name: String, _ value: TOMLValue) {
            found.append("\(name) \(value.location.line):\(value.location.column)")
            switch value.content {
            case .table(let table): for entry in table.entries { walk(entry.key, entry.value) }
            case .array(let elements): for element in elements { walk("-", element) }
            default: break
            }
        }
        for entry in table.entries { walk(entry.key, entry.value) }
        #expect(
            found == [
                "a 1:6", "b 2:5", "- 2:7", "- 3:2", "c 4:1", "d 4:7", "e 4:13", "f 5:1", "g 6:1",
                "- 6:1",
            ])
    }

    @Test("count columns in bytes, from behind a byte order mark, whatever ends lines")
    func columns() throws {
        for (document, line, column) in [
            ("'é' = 1", 1, 1), ("a = {'é' = 1, x = 2}", 1, 16), ("\u{FEFF}x = 2", 1, 1),
            ("\u{FEFF}\r\n\r\n\tx = 2", 3, 2), ("# é\r\n x = 2", 2, 2),
            ("a = '''\r\né\r\n''' # é\r\nx = 1", 4, 1),
            ("a = \"\"\"\\\n\n\\\r\n\"\"\"\nx = 1", 5, 1),
        ] {
            let table = try TOMLReader.read(Array(document.utf8))
            let path = table.entry("x") == nil ? (table.entry("a") == nil ? "é" : "a.x") : "x"
            #expect(
                table.location(of: path, in: .start) == SourceLocation(line: line, column: column),
                "\(document)")
        }
    }

    @Test("of a table are those of its own header, once it has one")
    func headers() throws {
        let table = try TOMLReader.read(Array("[a.b.c]\n[x]\n[a]\n  [a.b]\n".utf8))
        for (path, line, column) in [("a", 3, 1), ("a.b", 4, 3), ("a.b.c", 1, 1), ("x", 2, 1)] {
            let location = table.location(of: path, in: .start)
            #expect(location == SourceLocation(line: line, column: column), "\(path)")
        }
    }
}
