import Testing

@testable import Config

@Suite("TOML: bytes that stand nowhere in a document")
struct TOMLByteTests {
    /// A document with a character that is allowed nowhere, and how its fault begins.
    static let characters: [(document: String, fault: String)] = [
        (#"a = "\#u{0}""#, "1:6: a NUL byte: the file is damaged, or no text"),
        ("\u{0}", "1:1: a NUL byte: the file is damaged, or no text"),
        ("a = 1\n\u{0}\u{0}", "2:1: a NUL byte: the file is damaged, or no text"),
        ("# \u{0}", "1:3: a NUL byte: the file is damaged, or no text"),
        ("a = '\u{0}'", "1:6: a NUL byte: the file is damaged, or no text"),
        (#"a = """\#u{0}""""#, "1:8: a NUL byte: the file is damaged, or no text"),
        (#"a = "\#u{1}""#, "1:6: the control character U+0001"),
        (#"a = "\#u{8}""#, "1:6: the control character U+0008"),
        (#"a = "\#u{B}""#, "1:6: the control character U+000B"),
        (#"a = "\#u{C}""#, "1:6: the control character U+000C"),
        (#"a = "\#u{1F}""#, "1:6: the control character U+001F"),
        (#"a = "\#u{7F}""#, "1:6: the control character U+007F"),
        ("a = '\u{1B}'", "1:6: the control character U+001B"),
        ("a = '\u{7F}'", "1:6: the control character U+007F"),
        (#"a = """\#u{1F}""""#, "1:8: the control character U+001F"),
        ("a = '''\u{7F}'''", "1:8: the control character U+007F"),
        ("a = '''\u{0}'''", "1:8: a NUL byte: the file is damaged, or no text"),
        ("# \u{1}", "1:3: the control character U+0001"),
        ("# \u{1F}", "1:3: the control character U+001F"),
        ("# \u{7F}", "1:3: the control character U+007F"),
        ("# \u{B}", "1:3: the control character U+000B"),
        ("a = 1\u{C}b = 2", "1:6: the control character U+000C"),
        ("\u{B}", "1:1: the control character U+000B"),
        ("a = 1\r", "1:6: a carriage return without a line feed"),
        ("a = 1\rb = 2", "1:6: a carriage return without a line feed"),
        ("\r", "1:1: a carriage return without a line feed"),
        ("# x\r", "1:4: a carriage return without a line feed"),
        ("# x\ry", "1:4: a carriage return without a line feed"),
        (#"a = "\#r""#, "1:6: a carriage return without a line feed"),
        (#"a = """\#r""""#, "1:8: a carriage return without a line feed"),
        ("a = '''x\ry'''", "1:9: a carriage return without a line feed"),
        (#"a = """\\#r""""#, "1:9: a carriage return without a line feed"),
        ("a = 1\r\r\n", "1:6: a carriage return without a line feed"),
        ("[a]\r", "1:4: a carriage return without a line feed"),
        ("a = [\r1]", "1:6: a carriage return without a line feed"),
        ("a\u{1} = 1", "1:2: the control character U+0001"),
        ("a = \u{1}", "1:5: the control character U+0001"),
        ("a = \u{7F}1", "1:5: the control character U+007F"),
        ("a = 1\n\u{FEFF}b = 2", #"2:1: a key is needed here, not "\#u{FEFF}""#),
        ("\u{FEFF}\u{FEFF}a = 1", #"1:1: a key is needed here, not "\#u{FEFF}""#),
        (" \u{FEFF}a = 1", #"1:2: a key is needed here, not "\#u{FEFF}""#),
        ("\u{FEFF}a = \u{1}", "1:5: the control character U+0001"),
        ("\u{FEFF}[", "1:2: no table's name begins like this"),
        ("\u{FEFF}a", "1:2: = is needed after a key, not the end of the file"),
    ]

    @Test("are refused, and the fault has its location", arguments: characters)
    func refuses(_ document: String, _ fault: String) {
        let first = TOMLTree.faults(of: document).first ?? "none"
        #expect(first.hasPrefix(fault), "\(first)")
    }

    /// Bytes that are no UTF-8: cut off, too long for what they mean, surrogates, beyond the last.
    static let malformed: [[UInt8]] = [
        [0xFF],
        [0xFE],
        [0xC3],
        [0xC3, 0x28],
        [0x80],
        [0xBF],
        [0xC0, 0x80],
        [0xC0, 0xAF],
        [0xC1, 0x81],
        [0xE0, 0x80, 0xAF],
        [0xE0, 0x9F, 0xBF],
        [0xED, 0xA0, 0x80],
        [0xED, 0xBF, 0xBF],
        [0xF0, 0x80, 0x80, 0xAF],
        [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80],
        [0xF8, 0x88, 0x80, 0x80, 0x80],
        [0xE2, 0x82],
        [0xE2, 0x28, 0xA1],
        [0xE2, 0x82, 0x28],
        [0xF0, 0x9F, 0x98],
        [0xF0, 0x9F, 0x28, 0x80],
        [0xF0, 0x28, 0x9F, 0x80],
        [0xFF, 0xFE, 0x61, 0x00],
        [0xFE, 0xFF, 0x00, 0x61],
        [0xEF, 0xBB],
    ]

    @Test("are refused in text, in comments, at the start and at the end", arguments: malformed)
    func refuses(_ bytes: [UInt8]) {
        for (before, after, location) in [
            ("a = \"", "\"", "1:6"), ("a = 1\n# é ", "\nb = 2", "2:6"), ("", "", "1:1"),
            ("a = '''\r\n", "", "2:1"),
        ] {
            let faults = TOMLTree.faults(of: Array(before.utf8) + bytes + Array(after.utf8))
            #expect(
                faults == ["\(location): bytes that are no UTF-8: the file is damaged, or no text"])
        }
    }

    @Test("are no others: each character of a sample, the first and last of each length among them")
    func accepts() throws {
        for code: UInt32 in [
            0x20, 0x7E, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000,
            0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF,
        ] {
            let character = String(try #require(Unicode.Scalar(code)))
            for text in ["'\(character)'", "\"\(character)\"", "\"\"\"\(character)\"\"\""] {
                let table = try TOMLReader.read(Array("a = \(text) # \(character)".utf8))
                #expect(table.entry("a")?.value.content == .string(character))
            }
        }
    }
}
