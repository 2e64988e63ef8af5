import Primitives

/// Finds the field `model` in a body of `multipart/form-data` that comes piece by piece.
struct MultipartScan {
    /// Bytes of a part's head at most; no client writes a longer one.
    private static let headBytesMax = 16 << 10
    /// Bytes of a model's name at most.
    private static let valueBytesMax = 4 << 10

    private enum State {
        /// Before the next boundary.
        case between
        /// Behind a boundary.
        case head
        /// At the last byte of the head of the part that names the model.
        case value
    }

    /// The model's name.
    private(set) var name: String?
    /// Whether no more bytes can show a model.
    private(set) var isOver = false

    private let form: MultipartForm
    private var state = State.between
    /// Whether the first byte of the next piece begins a line.
    private var isAtLineStart = true

    /// A scan of a form that has not begun.
    init(_ form: MultipartForm) {
        self.form = form
    }

    /// Takes bytes, and returns from which index on they must be given again, with more behind.
    mutating func take(_ bytes: Span<UInt8>) -> Int {
        var index = 0
        while !isOver {
            switch state {
            case .between:
                let start = max(index, isAtLineStart ? 0 : 1)
                guard let boundary = form.next(in: bytes, from: start) else {
                    // A boundary may begin near the end; the byte before it ends a line.
                    let kept = max(index, bytes.count - form.boundary.count - 1)
                    if kept > 0 { isAtLineStart = false }
                    return kept
                }
                index = boundary + form.boundary.count
                isAtLineStart = false
                state = .head
            case .head:
                guard let next = takeHead(bytes, from: index) else { return index }
                index = next
            case .value:
                guard let end = form.next(in: bytes, from: index) else {
                    isOver = bytes.count - index > Self.valueBytesMax
                    return index
                }
                isOver = true
                guard end - 2 >= index + 1 else { break }
                name = bytes.extracting(index + 1..<end - 2).text
            }
        }
        return bytes.count
    }

    /// Takes a part's head; returns the index of its last byte, and nil where more is needed.
    private mutating func takeHead(_ bytes: Span<UInt8>, from index: Int) -> Int? {
        guard index + 2 <= bytes.count else { return nil }
        // The last boundary has two dashes behind it.
        guard bytes[index] == 0x0D, bytes[index + 1] == 0x0A else {
            isOver = true
            return index
        }
        guard let end = bytes.firstRange(of: "\r\n\r\n", from: index) else {
            isOver = bytes.count - index > Self.headBytesMax
            return nil
        }
        let fields = bytes.extracting(index + 2..<end.upperBound - 2)
        let namesModel = MultipartForm.isField("model", fields)
        // A part with an encoding of its own is not decoded here.
        isOver = namesModel && MultipartForm.isEncoded(fields)
        state = namesModel ? .value : .between
        return end.upperBound - 1
    }
}
