import Primitives

/// The bytes that a writer puts around the text of an open item.
struct FrameTemplate {
    /// Stands for the text: no text of JSON has it.
    static let mark = EscapedText(inner: [0])

    private let bytes: [UInt8]
    private let text: Int
    /// Where the number of the event stands; nil where events have none.
    private var number: Range<Int>?

    /// The template of a frame that was written around the mark; nil where it was not.
    init?(_ frame: [UInt8]) {
        guard let text = frame.firstIndex(of: 0) else { return nil }
        bytes = frame
        self.text = text
    }

    /// The same, of a frame whose number was written behind a literal.
    init?(_ frame: [UInt8], numberedBehind literal: StaticString) {
        self.init(frame)
        guard let name = frame.span.firstRange(of: literal), name.upperBound < text else {
            return nil
        }
        let end = frame[name.upperBound...].firstIndex { !(0x30...0x39).contains($0) }
        number = name.upperBound..<(end ?? name.upperBound)
    }

    /// Appends the frame of a text.
    func append(_ inner: Span<UInt8>, number value: Int, to output: inout ByteBuffer) {
        let span = bytes.span
        if let number {
            output.append(span.extracting(0..<number.lowerBound))
            output.append(decimal: value)
            output.append(span.extracting(number.upperBound..<text))
        } else {
            output.append(span.extracting(0..<text))
        }
        output.append(inner)
        output.append(span.extracting(text + 1..<bytes.count))
    }
}
