public import Primitives

/// The head of a vendor's response, gathered line by line as libcurl reports it.
///
/// Informational heads (1xx) are read and forgotten; what comes after the final head is a trailer
/// and ignored. A connection that dies inside a head is success to libcurl, so ``isComplete`` is
/// the only proof that a head was whole: the blank line of a final one was seen.
public struct ResponseHead: ~Copyable {
    var storage = ByteBuffer()
    var fields: ContiguousArray<HeaderField> = []
    private var reasonEnd = 0
    private var isInformational = false
    /// Whether the body comes in chunks, whatever length is declared.
    public private(set) var isChunked = false
    private var lengths: [Int] = []

    /// The status; 0 before the first line.
    public private(set) var status = 0
    /// Whether the blank line that ends the final head was seen.
    public private(set) var isComplete = false
    /// What `Content-Type` says, once the head is complete: read once, and asked several times.
    public private(set) var mediaType = MediaType.other
    /// What makes the head unfit to be passed on; nil while it is fit.
    public private(set) var violation: StaticString?
    /// Whether a switch of protocols was asked for, so that the head of one is a final head.
    public var acceptsSwitch = false

    /// A head of which nothing has come.
    public init() {}

    /// Whether nothing of a head has come, informational ones included.
    public var isEmpty: Bool { status == 0 && !isInformational }

    /// The length of the body as the vendor declared it; nil when it did not, or when a transfer
    /// coding overrides it.
    public var contentLength: Int? {
        isChunked ? nil : lengths.first
    }

    /// Whether the head declares a body that its status cannot have, so that bytes may follow
    /// which no client reads as this response's.
    public var announcesForbiddenBody: Bool {
        guard status == 204 || status == 304 else { return false }
        // A 304 may state the length that a 200 would have had.
        return isChunked || status == 204 && (lengths.first ?? 0) > 0
    }

    /// Whether the vendor has switched to the protocol that was asked for: what follows the head is
    /// none of HTTP's.
    public var switchesProtocol: Bool { status == 101 }

    /// Forgets everything that came and keeps the storage.
    public mutating func reset() {
        storage.removeAll()
        fields.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        reasonEnd = 0
        status = 0
        isInformational = false
        isChunked = false
        isComplete = false
        mediaType = .other
        violation = nil
    }

    /// Gives the memory back once the head has been passed on; status and flags stay.
    public mutating func releaseMemory() {
        storage.release()
        fields = []
    }

    /// Takes one line, its end included.
    ///
    /// Returns whether the final head is now complete.
    public mutating func add(line: Span<UInt8>) -> Bool {
        guard !isComplete else { return false }
        var end = line.count
        if end > 0, line[end - 1] == 0x0A { end -= 1 }
        if end > 0, line[end - 1] == 0x0D { end -= 1 }
        guard storage.count + end <= HeadLimits.responseHeadBytesMax else {
            violation = "a head larger than 512 KiB"
            return false
        }
        let content = line.extracting(0..<end)
        if content.count == 0 { return completeHead() }
        var control = content.firstIndex(below: 0x20, or: 0, or: 0)
        while control < content.count {
            guard content[control] == 0x09 else {
                // A CR or NUL inside a line could end it early for the client: a split response.
                violation = "a control byte in its head"
                return false
            }
            control = content.firstIndex(below: 0x20, or: 0, or: 0, from: control + 1)
        }
        if status == 0, !isInformational {
            startHead(content)
        } else if content[0] == 0x20 || content[0] == 0x09 {
            unfold(content)
        } else {
            addField(content)
        }
        return false
    }

    private mutating func completeHead() -> Bool {
        if isInformational {
            isInformational = false
            return false
        }
        if let first = lengths.first, !isChunked, lengths.contains(where: { $0 != first }) {
            violation = "Content-Length fields that differ"
        }
        // What follows is none of HTTP's: its frames must not be taken for chunks.
        if status == 101 { isChunked = false }
        isComplete = status != 0
        mediaType = readMediaType()
        return isComplete
    }

    private mutating func startHead(_ line: Span<UInt8>) {
        reset()
        guard line.hasPrefix("HTTP/"), let space = line.firstIndex(of: 0x20),
            line.count >= space + 4,
            let code = line.extracting(space + 1..<space + 4).decimal, code >= 100
        else {
            violation = "a status line that is none"
            return
        }
        let isSwitch = code == 101 && acceptsSwitch
        if code == 101, !isSwitch { violation = "a switch of protocols without a request for it" }
        isInformational = code < 200 && !isSwitch
        guard !isInformational else { return }
        status = code
        storage.append(line.extracting(space + 1..<line.count))
        reasonEnd = storage.count
    }

    private mutating func addField(_ line: Span<UInt8>) {
        guard !isInformational, status != 0 else { return }
        let colon = line.firstIndex(below: 0x21, or: UInt8(ascii: ":"), or: UInt8(ascii: ":"))
        guard colon > 0, colon < line.count else {
            return violation = "a header line without a name"
        }
        guard line[colon] == UInt8(ascii: ":") else {
            // "Content-Length : 5" is no length to us, and may be one to a lenient client behind
            // us.
            return violation = "a space in the name of a field"
        }
        guard fields.count < HeadLimits.responseFieldsMax else {
            return violation = "more than 4,096 header fields"
        }
        let value = line.extracting(colon + 1..<line.count).trimmed
        var field = HeaderField(
            name: HeaderName(line.extracting(0..<colon)), nameStart: UInt32(storage.count),
            nameEnd: UInt32(storage.count + colon), valueStart: UInt32(storage.count + colon),
            valueEnd: 0
        )
        storage.append(line.extracting(0..<colon))
        storage.append(value)
        field.valueEnd = UInt32(storage.count)
        if field.name == .transferEncoding {
            // Another coding would have to be undone here, and none was asked for. A second one,
            // be it named in a field of its own, leaves it open where the body ends.
            if isChunked || !value.matchesIgnoringCase("chunked") {
                violation = "a transfer coding other than chunked"
            }
            isChunked = true
        }
        if field.name == .contentLength {
            if let length = value.decimal {
                lengths.append(length)
            } else {
                violation = "a Content-Length that is not a number"
            }
        }
        fields.append(field)
    }

    /// Joins a folded line to the field before it, as RFC 9112, 5.2 asks of a proxy.
    private mutating func unfold(_ line: Span<UInt8>) {
        guard !isInformational, let last = fields.indices.last else { return }
        if fields[last].name == .transferEncoding || fields[last].name == .contentLength {
            // What it says was read before this line, and libcurl may read both together.
            return violation = "a folded line in its framing"
        }
        storage.append(byte: 0x20)
        storage.append(line.trimmed)
        fields[last].valueEnd = UInt32(storage.count)
    }

    /// Adds a field of the gateway's own behind the vendor's.
    public mutating func add(_ name: StaticString, _ value: String) {
        let start = storage.count
        storage.append(name)
        let middle = storage.count
        storage.append(text: value)
        fields.append(
            HeaderField(
                name: .other, nameStart: UInt32(start), nameEnd: UInt32(middle),
                valueStart: UInt32(middle), valueEnd: UInt32(storage.count)))
    }

    /// Whether a closure has another value for some field of a name.
    public func changes(_ name: StaticString, _ value: (Span<UInt8>) -> [UInt8]?) -> Bool {
        fields.contains { field in
            storage.bytes(field.nameRange).matchesIgnoringCase(name)
                && value(storage.bytes(field.valueRange)) != nil
        }
    }

    /// Gives fields of a name the values that a closure makes of theirs; nil leaves one.
    public mutating func change(_ name: StaticString, _ value: (Span<UInt8>) -> [UInt8]?) {
        for index in fields.indices {
            let field = fields[index]
            guard storage.bytes(field.nameRange).matchesIgnoringCase(name),
                let next = value(storage.bytes(field.valueRange))
            else { continue }
            fields[index].valueStart = UInt32(storage.count)
            storage.append(next.span)
            fields[index].valueEnd = UInt32(storage.count)
        }
    }

    /// Writes the status line of this head for an HTTP/1.1 client: code and reason as they came.
    public func writeStatusLine(to output: inout ByteBuffer) {
        output.append("HTTP/1.1 ")
        output.append(storage.bytes(0..<reasonEnd))
        // A status line without a reason still has the space before it.
        if reasonEnd == 3 { output.append(byte: 0x20) }
        output.append("\r\n")
    }

    /// Writes the fields of a switch of protocols, which are for one connection only.
    ///
    /// `Connection` has one word: some clients accept no list.
    public func writeSwitch(to output: inout ByteBuffer) {
        output.append("connection: Upgrade\r\nupgrade: ")
        if let field = fields.first(where: { $0.name == .upgrade }) {
            output.append(storage.bytes(field.valueRange))
        } else {
            output.append("websocket")
        }
        output.append("\r\n")
    }

    /// Writes the fields that concern the client, in their order and spelling: everything that is
    /// not hop by hop, and not the length, which the relay decides on.
    ///
    /// `withoutCORS`: leaves out the fields that say which pages may read the response, too.
    public func writeFields(to output: inout ByteBuffer, withoutCORS: Bool = false) {
        let options = ConnectionOptions(fields, storage)
        for index in fields.indices {
            let field = fields[index]
            guard !field.name.isHopByHop, field.name != .contentLength, !options.lists(index)
            else { continue }
            let name = storage.bytes(field.nameRange)
            if withoutCORS, name.startsIgnoringCase("access-control-") { continue }
            output.append(name)
            output.append(": ")
            output.append(storage.bytes(field.valueRange))
            output.append("\r\n")
        }
        // A 426 has to say what to speak, and the connection that this is about is the client's.
        guard status == 426, let field = fields.first(where: { $0.name == .upgrade }) else {
            return
        }
        output.append("connection: upgrade\r\nupgrade: ")
        output.append(storage.bytes(field.valueRange))
        output.append("\r\n")
    }
}
