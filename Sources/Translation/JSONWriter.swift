import JSON
import Primitives

/// Writes JSON text part by part, and sets the commas.
struct JSONWriter: ~Copyable {
    /// What was written so far.
    private(set) var output = ByteBuffer()
    private var needsComma = false

    init() {}

    mutating func beginObject() { begin(UInt8(ascii: "{")) }
    mutating func endObject() { end(UInt8(ascii: "}")) }
    mutating func beginArray() { begin(UInt8(ascii: "[")) }
    mutating func endArray() { end(UInt8(ascii: "]")) }

    /// The name of the next member.
    mutating func key(_ name: StaticString) {
        separate()
        output.append(byte: UInt8(ascii: "\""))
        output.append(name)
        output.append("\":")
        needsComma = false
    }

    /// The name of the next member, of a text.
    mutating func key(named name: String) {
        separate()
        JSONText.append(name, to: &output)
        output.append(byte: UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func text(_ text: EscapedText) {
        separate()
        output.append(byte: UInt8(ascii: "\""))
        output.append(text.inner.span)
        output.append(byte: UInt8(ascii: "\""))
    }

    /// Several texts as one string.
    mutating func text(_ parts: EscapedText...) {
        separate()
        output.append(byte: UInt8(ascii: "\""))
        for part in parts { output.append(part.inner.span) }
        output.append(byte: UInt8(ascii: "\""))
    }

    mutating func text(_ text: String) {
        separate()
        JSONText.append(text, to: &output)
    }

    mutating func literal(_ text: StaticString) {
        separate()
        output.append(byte: UInt8(ascii: "\""))
        output.append(text)
        output.append(byte: UInt8(ascii: "\""))
    }

    mutating func raw(_ value: RawJSON) {
        separate()
        output.append(value.bytes.span)
    }

    mutating func raw(_ bytes: [UInt8]) {
        separate()
        output.append(bytes.span)
    }

    mutating func tree(_ value: JSONValue) {
        separate()
        value.write(to: &output)
    }

    mutating func number(_ value: Int) {
        separate()
        output.append(decimal: value)
    }

    mutating func flag(_ value: Bool) {
        separate()
        output.append(value ? "true" : "false")
    }

    mutating func null() {
        separate()
        output.append("null")
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        output.append(byte: bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        output.append(byte: bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { output.append(byte: UInt8(ascii: ",")) }
        needsComma = true
    }

    /// How far a text was written.
    struct Mark: Equatable {
        fileprivate let count: Int
        fileprivate let needsComma: Bool
    }

    /// How far the text is written.
    var mark: Mark { Mark(count: output.count, needsComma: needsComma) }

    /// Takes back what was written since.
    mutating func rewind(to mark: Mark) {
        output.truncate(to: mark.count)
        needsComma = mark.needsComma
    }

    /// Drops what was written, and keeps the storage.
    mutating func removeAll() {
        output.removeAll()
        needsComma = false
    }
}

extension JSONWriter {
    /// A member with a text of the program's own.
    mutating func member(_ name: StaticString, literal text: StaticString) {
        key(name)
        literal(text)
    }

    mutating func member(_ name: StaticString, _ text: EscapedText) {
        key(name)
        self.text(text)
    }

    mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        self.text(text)
    }

    mutating func member(_ name: StaticString, _ value: RawJSON) {
        key(name)
        raw(value)
    }

    mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        number(value)
    }

    mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        flag(value)
    }

    /// The members that only the own dialect knows; those without a slot here are losses.
    mutating func members(_ extras: [Extra], _ losses: inout LossList) {
        for extra in extras {
            if extra.isNested {
                losses.drop([extra])
            } else {
                key(named: extra.name)
                raw(extra.value)
            }
        }
    }

    mutating func nullMember(_ name: StaticString) {
        key(name)
        null()
    }
}

extension JSONWriter {
    /// A copy of what was written.
    var bytes: [UInt8] { Array(output.bytes) }

    /// What was written, as a value.
    var value: RawJSON { RawJSON(walked: bytes[...]) }
}
