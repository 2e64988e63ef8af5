import Testing

@testable import Config

@Suite("TOML: the reader")
struct TOMLReaderTests {
    @Test("finds several faults where the next statement leaves no doubt")
    func several() {
        for (document, faults) in [
            ("a = 1\na = 2\nb = 01\nc = word\nd = \"x", ["2:1", "3:5", "4:5", "5:5"]),
            ("a = [x, 1, 01, [y]]\nb = 1\nb = 2", ["1:6", "1:12", "1:17", "3:1"]),
            ("a = {b = x, c = 1, c = 2, d = y,}\ne =\n", ["1:10", "1:20", "1:31", "1:32", "2:4"]),
            ("[a]\n[a]\nb = 1\nb = 2\n[a.c]\n[a]\n", ["2:1", "4:1", "6:1"]),
            ("a = two words # and more\nb = 1 # [\nc = no", ["1:5", "3:5"]),
            ("a = 1 2\nb = x", ["1:7"]), ("[a\nb = x", ["1:3"]),
            ("a = [\n  x, # one\n  y\n]\nb = z", ["2:3", "3:3", "5:5"]),
        ] as [(String, [String])] {
            let found = TOMLTree.faults(of: document)
            let locations = found.map { $0.split(separator: ":").prefix(2).joined(separator: ":") }
            #expect(locations == faults, "\(document): \(found)")
        }
    }

    @Test("keeps twenty faults at most, and one more that ends it")
    func bound() {
        let many = (0..<1000).map { "a\($0) = x\n" }.joined()
        #expect(TOMLTree.faults(of: many).count == 20)
        #expect(TOMLTree.faults(of: many + "[").count == 21)
        #expect(TOMLTree.faults(of: "a = [\(String(repeating: "x,", count: 1000))]").count == 20)
    }

    @Test("repeats no value in a fault: it may be a secret without its quotes")
    func secrets() {
        for document in [
            "a = sk-canary", "a = canary\nb = 1", "a = [canary]", "a = {b = canary}",
            "a = 1canary", "a = \"canary", "a = 'canary\n'", "a = \"\"\"canary",
            "a = \"canary\\q\"",
            "a = 1979-05-27canary", "a = 07:canary", "a = \"x\" canary", "a = 0xcanary",
            "a = env:canary", "a = \"canary\"\na = \"canary\"", "a = 'canary'\n[a]",
            "a = ['canary']\n[[a]]", "a = \"x\"\"canary\"", "a \"canary\"", "a: canary",
            "a = {b = 'canary'\n}", "a = \"canary\u{7}\"", "a = +canary", "a = true canary",
        ] {
            let faults = TOMLTree.faults(of: document)
            #expect(!faults.isEmpty, "\(document)")
            #expect(!faults.contains { $0.contains("canary") }, "\(faults)")
        }
    }

    @Test("names a key shortened, and without control characters")
    func names() throws {
        let long = String(repeating: "k", count: 100_000)
        let name = "\"\(String(repeating: "k", count: 60))…\""
        #expect(
            TOMLTree.faults(of: "\(long) = 1\n\(long) = 2") == [
                "2:1: \(name) is set twice; the first time on line 1"
            ])
        let parts = (0..<60).map { "p\($0)" }.joined(separator: ".")
        let fault = try #require(TOMLTree.faults(of: "[\(parts)]\n[\(parts)]").first)
        #expect(fault.utf8.count < 200 && fault.hasPrefix("2:1: the table \"p0.p1.p2"))
        let escape = "\"\\u001b[31m\\u009b\" = 1\n"
        let faults = TOMLTree.faults(of: escape + escape)
        #expect(faults == ["2:1: \"\u{FFFD}[31m\u{FFFD}\" is set twice; the first time on line 1"])
    }

    @Test("reads as deep as is allowed, and refuses what is deeper, whatever makes it deep")
    func depth() throws {
        func dotted(_ count: Int) -> String {
            Array(repeating: "a", count: count).joined(separator: ".")
        }
        func nested(_ open: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
        }
        func lists(_ count: Int) -> String {
            (1...count).map { "[[\(dotted($0))]]\n" }.joined()
        }
        let limit = TOMLReader.maximumDepth
        let shapes: [(String, (Int) -> String, Int)] = [
            ("lists", { "a = " + nested("[", "]", $0) }, limit),
            ("inline tables", { "a = " + nested("{a=", "}", $0) }, limit - 1),
            ("a header", { "[\(dotted($0))]" }, limit),
            ("a list's header", { "[[\(dotted($0))]]" }, limit - 1),
            ("a dotted key", { "\(dotted($0)) = 1" }, limit),
            (
                "a header and a key", { "[\(dotted(limit / 2))]\n\(dotted($0 - limit / 2)) = 1" },
                limit
            ),
            ("a header and a list", { "[\(dotted(limit - 3))]\na = " + nested("[", "]", $0) }, 3),
            ("lists in lists", { lists($0) }, limit / 2),
        ]
        for (name, shape, deepest) in shapes {
            _ = try TOMLTree.read(shape(deepest))
            for count in [deepest + 1, deepest + 2, 4 * limit] {
                let faults = TOMLTree.faults(of: shape(count))
                #expect(faults.count == 1, "\(name), \(count)")
                #expect(faults.first?.contains("more than 64 deep") == true, "\(name), \(faults)")
            }
        }
        for open in ["[", "{a=", "[{a=[", "[\n", "{\"\"="] {
            let faults = TOMLTree.faults(of: "a = " + String(repeating: open, count: 200_000))
            #expect(faults.count == 1, "\(open)")
        }
    }

    @Test("refuses a document that is too large, and reads the largest")
    func size() throws {
        let limit = TOMLSource.maximumBytes
        let comment = "a = 1 #" + String(repeating: "x", count: limit - 7)
        #expect(try TOMLTree.read(comment) == "{a: 1}")
        #expect(
            TOMLTree.faults(of: comment + "x") == ["1:1: 4194305 bytes; allowed: 4194304 and less"])
    }

    @Test("looks each key up at once: thousands in a table, thousands of tables in a list")
    func breadth() throws {
        let count = 20_000
        let keys = try TOMLReader.read(
            Array((0..<count).map { "key-\($0) = \($0)\n" }.joined().utf8))
        #expect(keys.entries.count == count)
        #expect(keys.entry("key-19999")?.value.content == .integer(19_999))
        let lists = try TOMLReader.read(
            Array((0..<count).map { "[[a.b]]\nc.d = \($0)\n[a.b.e]\n" }.joined().utf8))
        #expect(lists.location(of: "a.b[19999].c", in: .start).line == 3 * count - 1)
        let dotted = try TOMLReader.read(
            Array((0..<count).map { "a.b\($0).c = {d = [1]}\n" }.joined().utf8))
        #expect(dotted.location(of: "a.b19999.c.d[0]", in: .start).line == count)
    }

    @Test("says of each prefix of a document whether it is one, and traps on none")
    func prefixes() {
        let document = Array(
            """
            a.b = "x\\u00e9" # é
            c = [1, {d = 1979-05-27 07:32:00Z}, '''\r\nx''', -0x1]
            [[e.f]]
            g = \"\"\"\\
              y\"\"\"
            """.utf8)
        var accepted = 0
        for count in 0...document.count {
            for tail in [[], [0x0A], [0xFF], [0x5D], [0x22]] as [[UInt8]] {
                accepted += TOMLTree.faults(of: document.prefix(count) + tail).isEmpty ? 1 : 0
            }
        }
        #expect(accepted > 10)
    }

    @Test("finds the same in a document whose lines end in CR LF")
    func lineEnds() throws {
        for cases in [
            TOMLKeyTests.valid, TOMLStringTests.valid, TOMLListTests.valid, TOMLTableTests.valid,
        ] {
            for (document, tree) in cases {
                var bytes: [UInt8] = []
                for byte in document.utf8 {
                    if byte == 0x0A, bytes.last != 0x0D { bytes.append(0x0D) }
                    bytes.append(byte)
                }
                let table = try TOMLReader.read(bytes)
                #expect(TOMLTree.text(table) == tree)
                #expect(try table == TOMLReader.read(Array(document.utf8)), "\(document)")
            }
        }
    }
}
