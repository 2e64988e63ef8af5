import JSON
public import Primitives

/// Makes the addresses in a body of JSON the gateway's: the values of its members `results_url`.
///
/// Every other byte passes as it came.
public struct AddressFilter: ~Copyable {
    private static let member: StaticString = "\"results_url\""
    private static let memberBytes = Array("\"results_url\"".utf8)
    /// An address longer than this is none.
    private static let addressBytesMax = 8 << 10

    private let addresses: OwnAddress
    /// What may be the beginning of such a member.
    private var held = ByteBuffer()

    /// A filter at the beginning of a body.
    public init(_ addresses: OwnAddress) {
        self.addresses = addresses
    }

    /// Takes a piece and appends what passes.
    public mutating func take(_ bytes: Span<UInt8>, to output: inout ByteBuffer) {
        held.append(bytes)
        while true {
            let passed = Self.pass(held.bytes, addresses, to: &output)
            held.consume(passed)
            guard passed > 0, !held.isEmpty else { return }
        }
    }

    /// The body has ended: what is left passes.
    public mutating func end(to output: inout ByteBuffer) {
        output.append(held.bytes)
        held.release()
    }

    /// Appends what is settled of a text; returns how many bytes of the text that is.
    private static func pass(
        _ text: Span<UInt8>, _ addresses: OwnAddress, to output: inout ByteBuffer
    ) -> Int {
        // Between quotes a quote has a backslash before it: where these bytes stand, the name of a
        // member does, or a value.
        guard let name = text.firstRange(of: member) else {
            let passed = text.count - beginning(at: text)
            output.append(text.extracting(0..<passed))
            return passed
        }
        if name.lowerBound > 0 {
            output.append(text.extracting(0..<name.lowerBound))
            return name.lowerBound
        }
        guard let value = value(after: name.upperBound, in: text) else {
            // More of it is still to come, unless this is no address at all.
            guard text.count > addressBytesMax else { return 0 }
            output.append(text)
            return text.count
        }
        guard !value.isEmpty else {
            output.append(text.extracting(name))
            return name.upperBound
        }
        let url = JSONText.unescape(text.extracting(value))
        if let address = addresses.address(for: url.utf8.span) {
            output.append(text.extracting(0..<value.lowerBound))
            output.append(address.span)
        } else {
            output.append(text.extracting(0..<value.upperBound))
        }
        return value.upperBound
    }

    /// What stands between the quotes of a member's value; empty where it is no text, or one of no
    /// letters, and nil where its end is not here.
    private static func value(after name: Int, in text: Span<UInt8>) -> Range<Int>? {
        var index = name
        for mark in [UInt8(ascii: ":"), UInt8(ascii: "\"")] {
            while index < text.count, " \t\r\n".utf8.contains(text[index]) { index += 1 }
            guard index < text.count else { return nil }
            guard text[index] == mark else { return index..<index }
            index += 1
        }
        let start = index
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""): return start..<index
            case UInt8(ascii: "\\"): index += 2
            default: index += 1
            }
        }
        return nil
    }

    /// Bytes at the end of a text that may be the beginning of a member's name.
    private static func beginning(at text: Span<UInt8>) -> Int {
        let name = memberBytes
        var count = min(name.count - 1, text.count)
        while count > 0 {
            let end = text.extracting(text.count - count..<text.count)
            if end.equals(name.span.extracting(0..<count)) { return count }
            count -= 1
        }
        return 0
    }
}
