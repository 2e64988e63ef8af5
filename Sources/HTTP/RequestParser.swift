import CLLHTTP
public import Primitives

/// Reads requests of one connection, one after the other, from bytes cut anywhere.
///
/// llhttp, in strict mode, finds the parts; ``LineGuard`` and the validation of ``RequestHead``
/// hold them to the letter. This is the only file of its target that touches raw memory.
@safe
public final class RequestParser {
    /// The state after the given bytes.
    public enum Progress: Equatable {
        /// More bytes are needed.
        case incomplete
        /// The head is complete: see ``RequestParser/head``. Go on with the bytes that are left.
        case head
        /// The request is complete; what is left belongs to the next one.
        case message
        /// The request must be refused and the connection closed.
        case malformed(Malformation)
    }

    enum Phase { case head, body, done }

    let llhttp: UnsafeMutablePointer<llhttp_t>
    var phase = Phase.head
    private var isHeadReported = false
    /// The field being read, which is the head's once its value is complete.
    var field = HeaderField(name: .other, nameStart: 0, nameEnd: 0, valueStart: 0, valueEnd: 0)
    var isFieldOpen = false
    /// Whether the value being read decides about the framing, see ``feed(_:)``.
    var isInFramingValue = false
    /// Whether the next bytes belong to the line of a chunk's size.
    var isInSizeLine = false
    /// What was read of the extensions of a chunk's size, while they are being read.
    private var extensions: ChunkExtensions?
    var isLastChunk = false
    /// Bytes of the chunks whose sizes came so far.
    var chunkBytes = 0
    private var lines = LineGuard(lineLengthMax: HeadLimits.headBytesMax)
    private var headBytes = 0
    /// The first bytes of the request, for a method that llhttp does not know.
    private var opening = ByteBuffer()
    private static let openingBytesMax = 8
    var trailerBytes = 0
    var failure: Malformation?
    /// The bytes being parsed, during a call only, and how far they have been seen as framing.
    var input = unsafe UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    var framingStart = 0

    /// Bytes of a body in chunks at most: a chunk that leads beyond is refused at its size.
    public var bodyBytesMax = Int.max

    /// The head of the current request, valid from ``Progress/head`` until ``next()``.
    public internal(set) var head = RequestHead()
    /// Body bytes read and not taken yet, the transfer coding removed.
    public var body = ByteBuffer()

    /// A parser at the start of a connection.
    public init() {
        unsafe llhttp = .allocate(capacity: 1)
        unsafe llhttp.initialize(to: llhttp_t())
        start()
    }

    deinit {
        unsafe llhttp.deallocate()
    }

    /// Whether a request has begun and is not complete.
    public var isMidRequest: Bool {
        phase == .body || phase == .head && headBytes > 0
    }

    /// Bytes of the current head read so far.
    public var headBytesReceived: Int { headBytes }

    /// Lends the head, for its parts that are lent themselves.
    public func withHead<R, E: Error>(_ body: (borrowing RequestHead) throws(E) -> R) throws(E) -> R
    {
        try body(head)
    }

    /// Lends the body bytes that were read and not taken yet.
    public func withBody<R, E: Error>(
        _ use: (borrowing ByteBuffer) throws(E) -> R
    ) throws(E) -> R {
        try use(body)
    }

    /// Forgets the current request and expects the next.
    public func next() {
        start()
    }

    /// Gives back what a large request left behind; a connection at rest keeps little.
    public func releaseMemoryIfLarge() {
        if body.capacity > 4 << 10 { body.release() }
        if head.storage.capacity > 4 << 10 { head.storage.release() }
    }

    /// Gives back the memory of a finished request: for connections that serve no other.
    public func releaseMemory() {
        body.release()
        head.storage.release()
        head.fields = []
        head.hiddenFields = []
    }

    /// Has parts of the head go to no vendor and stand in no record.
    public func hide(fields: [Int], target: Bool) {
        head.hiddenFields = fields
        head.isTargetHidden = target
    }

    /// Has the head say its path where the request is refused before its head is understood.
    public func findPathOfIncompleteHead() {
        head.findPath()
    }

    /// Parses bytes and says how many of them were used.
    public func parse(_ bytes: Span<UInt8>) -> (consumed: Int, progress: Progress) {
        precondition(phase != .done, "the next request begins with next()")
        let consumed = execute(bytes)
        // The guard runs first. It sees each byte once, so that the answer is the same at any cut;
        // the parser may read on for a while after a byte that the guard refuses.
        if let violation = lines.violation, failure?.status != 431 {
            return (consumed, .malformed(Malformation(400, "the request holds \(violation)")))
        }
        if let failure { return (consumed, .malformed(failure)) }
        switch phase {
        case .head:
            return (consumed, .incomplete)
        case .body where !isHeadReported:
            isHeadReported = true
            do {
                try head.validate(firstLineLength: lines.firstLineLength)
            } catch {
                return (consumed, .malformed(error))
            }
            lines = LineGuard(lineLengthMax: HeadLimits.framingLineBytesMax)
            isInSizeLine = head.isChunked
            return (consumed, .head)
        case .body:
            return (consumed, .incomplete)
        case .done:
            return (consumed, .message)
        }
    }

    private func start() {
        unsafe llhttp_init(llhttp, HTTP_REQUEST, callbackTable)
        unsafe llhttp.pointee.data = Unmanaged.passUnretained(self).toOpaque()
        phase = .head
        isFieldOpen = false
        isHeadReported = false
        lines = LineGuard(lineLengthMax: HeadLimits.headBytesMax)
        headBytes = 0
        opening.removeAll()
        trailerBytes = 0
        isInFramingValue = false
        isInSizeLine = false
        isLastChunk = false
        extensions = nil
        chunkBytes = 0
        failure = nil
        head.reset()
        body.removeAll()
    }

    private func execute(_ bytes: Span<UInt8>) -> Int {
        if opening.count < Self.openingBytesMax, phase == .head {
            let room = Self.openingBytesMax - opening.count
            opening.append(bytes.extracting(0..<min(room, bytes.count)))
        }
        return unsafe bytes.withUnsafeBufferPointer { pointer in
            unsafe input = pointer
            framingStart = 0
            defer { unsafe input = UnsafeBufferPointer(start: nil, count: 0) }
            let wasHead = phase == .head
            let consumed = feed(bytes)
            guardFraming(upTo: consumed)
            if wasHead { countHeadBytes(consumed) }
            return consumed
        }
    }

    // Two things of RFC 9112 are refused by llhttp 8 in strict mode: a tab behind the digits of a
    // Content-Length, and some extensions of chunks. So llhttp is stopped where such bytes may
    // come. It is given a space for the tab, which means the same there, and no extensions at all.

    /// Gives llhttp bytes until it stops or has had all; returns how many were used.
    private func feed(_ bytes: Span<UInt8>) -> Int {
        var offset = 0
        repeat {
            if extensions != nil {
                guard let end = readExtensions(bytes, from: offset) else { return bytes.count }
                offset = end
                if failure != nil { return offset }
            }
            let end = nextStop(bytes, from: offset)
            if end == offset, end < bytes.count {
                if isInFramingValue {
                    _ = unsafe run(Self.space, 1)
                    offset += 1
                } else {
                    extensions = ChunkExtensions()
                }
            } else {
                let start = unsafe UnsafeRawPointer(input.baseAddress)?
                    .assumingMemoryBound(to: CChar.self)
                offset += unsafe run(start.map { unsafe $0 + offset }, end - offset)
            }
            if failure != nil || phase == .done || phase == .body && !isHeadReported { break }
        } while offset < bytes.count
        return offset
    }

    /// Runs llhttp over some bytes; returns how many it used.
    private func run(_ start: UnsafePointer<CChar>?, _ count: Int) -> Int {
        let code = unsafe llhttp_execute(llhttp, start, count)
        guard code != HPE_OK else { return count }
        let stop = unsafe llhttp_get_error_pos(llhttp)
        let used = unsafe stop.flatMap { stop in unsafe start.map { unsafe stop - $0 } } ?? count
        if code == HPE_PAUSED {
            unsafe llhttp_resume(llhttp)
        } else if failure == nil {
            failure = malformation(code)
        }
        return used
    }

    /// Where the next byte stands that llhttp must not see as it is.
    private func nextStop(_ bytes: Span<UInt8>, from offset: Int) -> Int {
        var index = offset
        if isInFramingValue {
            while index < bytes.count, bytes[index] != 0x09 {
                if bytes[index] == 0x0D || bytes[index] == 0x0A { return bytes.count }
                index += 1
            }
            return index
        }
        guard isInSizeLine else { return bytes.count }
        while index < bytes.count, bytes[index].isHexDigit { index += 1 }
        guard index < bytes.count else { return index }
        switch bytes[index] {
        case UInt8(ascii: ";"), 0x20, 0x09: return index
        default: return bytes.count
        }
    }

    /// Reads extensions up to their line's end, and says where that is; nil where it is not here.
    private func readExtensions(_ bytes: Span<UInt8>, from offset: Int) -> Int? {
        switch extensions?.read(bytes, from: offset) {
        case .complete(let end):
            extensions = nil
            return end
        case .malformed(let index):
            failure = Malformation(400, "a chunk has an extension that is none")
            return index
        case .open, nil:
            return nil
        }
    }

    /// A space, at an address that stays.
    private static var space: UnsafePointer<CChar> {
        let text: StaticString = " "
        return unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func countHeadBytes(_ count: Int) {
        headBytes += count
        if headBytes > HeadLimits.headBytesMax {
            failure = Malformation(431, "the request head is larger than 64 KiB")
        }
    }

    /// All bytes that were not handed out as body are framing, and checked as such.
    func guardFraming(upTo end: Int) {
        guard end > framingStart else { return }
        let framing = unsafe UnsafeBufferPointer(rebasing: input[framingStart..<end])
        unsafe lines.scan(Span(_unsafeElements: framing))
        framingStart = end
    }

    private func malformation(_ code: llhttp_errno_t) -> Malformation {
        switch code {
        case HPE_INVALID_METHOD where opening.bytes.trimmedLines.hasPrefix("TRACK"):
            return Malformation(405, "the method TRACK is not served")
        case HPE_INVALID_METHOD:
            let line = unsafe UnsafeBufferPointer(rebasing: input.prefix(4 << 10))
            unsafe head.readLine(of: Span(_unsafeElements: line).trimmedLines)
            return Malformation(501, "the method is not known")
        case HPE_PAUSED_H2_UPGRADE:
            return Malformation(505, "only HTTP/1.0 and 1.1 are spoken")
        case HPE_INVALID_VERSION where unsafe Self.isOtherVersion(llhttp):
            return Malformation(505, "only HTTP/1.0 and 1.1 are spoken")
        case HPE_PAUSED_UPGRADE:
            return Malformation(501, "the method CONNECT is not served")
        default:
            let name = unsafe String(cString: llhttp_errno_name(code))
            let reason =
                unsafe llhttp_get_error_reason(llhttp).map { unsafe String(cString: $0) } ?? ""
            return Malformation(400, "the request is malformed (\(name) \(reason))")
        }
    }

    /// Whether the version was one, though none of ours: llhttp has one code for both.
    private static func isOtherVersion(_ llhttp: UnsafeMutablePointer<llhttp_t>) -> Bool {
        guard let reason = unsafe llhttp_get_error_reason(llhttp) else { return false }
        return unsafe String(cString: reason) == "Invalid HTTP version"
    }
}

extension Span where Element == UInt8 {
    /// The bytes without the empty lines that may stand before a request.
    fileprivate var trimmedLines: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var start = 0
            while start < count, self[start] == 0x0D || self[start] == 0x0A { start += 1 }
            return extracting(start..<count)
        }
    }
}
