import CHiredis
import Primitives

/// Makes replies of the bytes that a server sends, however they are split.
///
/// hiredis' reader does; what it takes for no reply ends the connection: after it nothing says
/// which reply belongs to which question.
@safe
final class RESPReader {
    /// What the bytes so far are.
    enum Outcome: Equatable {
        case reply(RESPReply)
        /// The bytes of a reply are not all there.
        case incomplete
        /// The bytes are no reply, or a larger one than any that is asked for.
        case malformed(String)
    }

    /// Bytes of replies that are not whole: a server that never ends one is not waited for.
    static let bytesMax = 4 << 20

    private let reader: UnsafeMutablePointer<redisReader>
    private var waiting = 0
    private var malformation: String?

    /// A reader at the beginning of a connection; nil without memory.
    init?() {
        guard let reader = unsafe chiredis_reader() else { return nil }
        unsafe self.reader = unsafe reader
    }

    deinit {
        unsafe redisReaderFree(reader)
    }

    /// Takes bytes as they come.
    func feed(_ bytes: Span<UInt8>) {
        guard malformation == nil, bytes.count > 0 else { return }
        waiting += bytes.count
        guard waiting <= Self.bytesMax else {
            malformation = "a reply of more than \(Self.bytesMax) bytes"
            return
        }
        let code = unsafe bytes.withUnsafeBytes {
            unsafe redisReaderFeed(reader, $0.baseAddress, $0.count)
        }
        if code != REDIS_OK { malformation = unsafe reason }
    }

    /// The next reply.
    func next() -> Outcome {
        if let malformation { return .malformed(malformation) }
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else {
            let reason = unsafe self.reason
            malformation = reason
            return .malformed(reason)
        }
        guard let object = unsafe object else { return .incomplete }
        defer { unsafe freeReplyObject(object) }
        waiting = 0
        return .reply(unsafe Self.reply(object.assumingMemoryBound(to: redisReply.self), depth: 0))
    }

    @unsafe
    private var reason: String {
        unsafe withUnsafeBytes(of: reader.pointee.errstr) { text in
            unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    @unsafe
    private static func reply(_ object: UnsafePointer<redisReply>, depth: Int) -> RESPReply {
        guard depth < RESPReply.depthMax else { return .error("nested too deep") }
        let reply = unsafe object.pointee
        switch unsafe reply.type {
        case REDIS_REPLY_INTEGER: return unsafe .integer(Int(reply.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return unsafe .text(text(reply))
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_ERROR: return unsafe .error(String(decoding: text(reply), as: UTF8.self))
        case REDIS_REPLY_ARRAY:
            return unsafe .list(
                (0..<Int(reply.elements)).map { index in
                    guard let element = unsafe reply.element[index] else { return .null }
                    return unsafe Self.reply(element, depth: depth + 1)
                })
        default: return unsafe .error("a reply of type \(reply.type), which was not asked for")
        }
    }

    @unsafe
    private static func text(_ reply: redisReply) -> [UInt8] {
        guard let start = unsafe reply.str else { return [] }
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: Int(reply.len)))
    }
}

@available(*, unavailable)
extension RESPReader: Sendable {}
