import JSON
import Primitives

/// A vendor's usage object in the outline of its answer, or the members of another that are one.
struct UsageAccount {
    /// The object; nil where the account is some members of one.
    private let object: Int?
    /// Those members.
    private var members: InlineArray<3, Int?> = [nil, nil, nil]
    /// The total, where it says the prompt's tokens.
    private(set) var prompt: Int?

    /// An account that is an object.
    init(_ object: Int) {
        self.object = object
    }

    /// An account of some members of an object; nil where it has none of them.
    init?(_ text: borrowing JSONOutline, _ object: Int?, _ names: InlineArray<3, StaticString?>) {
        self.object = nil
        var isEmpty = true
        for index in names.indices {
            guard let name = names[index], let found = text.member(object, name) else { continue }
            members[index] = found
            isEmpty = false
        }
        if isEmpty { return nil }
    }

    /// Takes the total for the prompt's tokens where the account says no more.
    mutating func takeTotalForPrompt(_ text: borrowing JSONOutline) {
        guard let object, let total = text.member(object, "total_tokens") else { return }
        var saysMore = false
        text.each(object) { member in
            guard !text.isName(of: member, "total_tokens") else { return }
            let isOfTokens =
                text.isNameEscaped(member)
                ? JSONText.unescape(text.nameBytes(member)).hasSuffix("_tokens")
                : text.nameBytes(member).hasSuffix("_tokens")
            if isOfTokens { saysMore = true }
        }
        if !saysMore { prompt = total }
    }

    /// The object, where the account is all of it and nothing else.
    var wholeObject: Int? { prompt == nil ? object : nil }

    /// Whether nothing but its numbers is read of an object: no tier of service, and no total that
    /// may stand for the prompt.
    func isAll(_ text: borrowing JSONOutline) -> Bool {
        var account = self
        account.takeTotalForPrompt(text)
        return account.prompt == nil && member(text, "service_tier") == nil
            && member(text, "serviceTier") == nil && member(text, "trafficType") == nil
            && member(text, "speed") == nil
    }

    /// The object, where all that it says of tokens are the numbers in it, and nothing else.
    func objectOfNumbers(_ text: borrowing JSONOutline) -> Int? {
        let others: InlineArray<4, StaticString> = [
            "iterations", "cost", "estimated_cost", "cost_in_usd_ticks",
        ]
        for index in others.indices where member(text, others[index]) != nil { return nil }
        return wholeObject
    }

    /// A member, of a whole object alone: those that an account is picked from say no more.
    func member(_ text: borrowing JSONOutline, _ name: StaticString) -> Int? {
        text.member(object, name)
    }

    /// Gives each member.
    func each(_ text: borrowing JSONOutline, _ body: (Int) -> Void) {
        if let object { text.each(object, body) }
        for index in members.indices {
            if let member = members[index] { body(member) }
        }
    }

    /// Appends the account as JSON, without texts that are more than a name.
    ///
    /// An account has none, and a vendor may put anything into one. The tier of service has a field
    /// of its own.
    func write(_ text: borrowing JSONOutline, to buffer: inout ByteBuffer) {
        buffer.append("{")
        var isFirst = true
        each(text) { text.writeMember($0, &isFirst, to: &buffer) }
        if let prompt, !text.isSentence(prompt) {
            buffer.append(isFirst ? "\"prompt_tokens\":" : ",\"prompt_tokens\":")
            text.write(prompt, to: &buffer)
        }
        buffer.append("}")
    }
}

extension JSONOutline {
    fileprivate func writeMember(_ member: Int, _ isFirst: inout Bool, to buffer: inout ByteBuffer)
    {
        guard !isName(of: member, "service_tier"), !isSentence(member) else { return }
        let name = nameBytes(member)
        let isPlain = isPlainName(member)
        let text = isPlain ? "" : JSONText.unescape(name)
        // Of a member's name a vendor may make a text, too.
        guard isPlain ? Self.isName(name) : Self.isName(text.utf8.span) else { return }
        if !isFirst { buffer.append(",") }
        isFirst = false
        if isPlain {
            buffer.append(byte: UInt8(ascii: "\""))
            buffer.append(name)
            buffer.append(byte: UInt8(ascii: "\""))
        } else {
            JSONText.append(text, to: &buffer)
        }
        buffer.append(":")
        write(member, to: &buffer)
    }

    /// Whether a member's name is spelled as it would be written: without escapes, and in ASCII.
    func isPlainName(_ member: Int) -> Bool {
        guard !isNameEscaped(member) else { return false }
        let name = nameBytes(member)
        for index in name.indices where name[index] >= 0x80 { return false }
        return true
    }

    fileprivate func write(_ value: Int, to buffer: inout ByteBuffer) {
        var isFirst = true
        switch kind(value) {
        case .object:
            buffer.append("{")
            each(value) { writeMember($0, &isFirst, to: &buffer) }
            buffer.append("}")
        case .array:
            buffer.append("[")
            each(value) { element in
                guard !isSentence(element) else { return }
                if !isFirst { buffer.append(",") }
                isFirst = false
                write(element, to: &buffer)
            }
            buffer.append("]")
        case .string:
            // A name needs no escape.
            buffer.append(byte: UInt8(ascii: "\""))
            withText(value) { buffer.append($0) }
            buffer.append(byte: UInt8(ascii: "\""))
        default:
            buffer.append(bytes(value))
        }
    }

    /// Whether a value is a text that is more than a name.
    fileprivate func isSentence(_ value: Int) -> Bool {
        withText(value) { Self.isName($0) } == false
    }

    /// Whether a text is no more than a name.
    private static func isName(_ text: Span<UInt8>) -> Bool {
        guard text.count <= 128 else { return false }
        for index in text.indices where !isOfName(text[index]) { return false }
        return true
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        // "-", ".", "/", digits and ":", "@" and capitals.
        0x2D...0x3A ~= byte || 0x40...0x5A ~= byte || byte == 0x5F || 0x61...0x7A ~= byte
    }
}
