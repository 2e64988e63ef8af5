import Primitives

/// Holds the lines of a head or of chunked framing to the letter of RFC 9112, byte by byte, across
/// any cut of the input.
///
/// The parser beneath accepts some of what the RFC lets a lenient recipient accept: a bare LF, a
/// folded line. A recipient behind us may read the same bytes otherwise, and what two recipients
/// read differently is how requests are smuggled; so here every line ends in CR LF, none begins
/// with a space, and no control byte stands anywhere.
struct LineGuard {
    private(set) var violation: StaticString?
    /// Bytes of the first line that is not empty, without its end.
    private(set) var firstLineLength = 0
    private var lineLength = 0
    private var lineLengthMax: Int
    private var previousWasCarriageReturn = false
    private var isFirstLineComplete = false

    init(lineLengthMax: Int) {
        self.lineLengthMax = lineLengthMax
    }

    mutating func scan(_ bytes: Span<UInt8>) {
        guard violation == nil else { return }
        var index = 0
        while index < bytes.count {
            // Runs of usual bytes, visible or part of a UTF-8 sequence, are walked over at once,
            // and so are spaces but for one that begins a line.
            let start = index
            if !previousWasCarriageReturn, lineLength > 0 || bytes[index] != 0x20 {
                index = bytes.firstIndex(below: 0x20, or: 0x7F, or: 0x7F, from: index)
                lineLength += index - start
            }
            guard index < bytes.count else { break }
            guard accept(bytes[index]) else { return }
            index += 1
        }
        // A line may grow piece by piece, and must not until its end comes.
        if lineLength > lineLengthMax { violation = "a line that is too long" }
    }

    private mutating func accept(_ byte: UInt8) -> Bool {
        if previousWasCarriageReturn {
            guard byte == 0x0A else { return refuse("a CR without its LF") }
            previousWasCarriageReturn = false
            if !isFirstLineComplete, lineLength > 0 {
                isFirstLineComplete = true
                firstLineLength = lineLength
            }
            guard lineLength <= lineLengthMax else { return refuse("a line that is too long") }
            lineLength = 0
            return true
        }
        switch byte {
        case 0x0D:
            previousWasCarriageReturn = true
        case 0x0A:
            return refuse("a LF without its CR")
        case 0x20, 0x09:
            guard lineLength > 0 else { return refuse("a line that begins with a space") }
            lineLength += 1
        default:
            return refuse("a control byte")
        }
        return true
    }

    private mutating func refuse(_ reason: StaticString) -> Bool {
        violation = reason
        return false
    }
}
