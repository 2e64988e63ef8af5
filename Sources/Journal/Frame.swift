public import Primitives

// A frame on disk, little-endian, at a multiple of eight bytes:
//
//   0  crc32c   of everything after it, padding aside, bound to the journal and the cursor: bytes
//               inside a body, and frames of an earlier round, never pass for a frame
//   4  length   bytes of the payload
//   8  mark     0x57E1: where reading goes on after damage
//  10  kind     see FrameKind
//  11  attempt  which attempt it belongs to, from 1; 0 is the exchange itself
//  12  detail     see the kinds; of a piece of a body, where it begins in what is written of the
//               body, and one more: a hole between two pieces shows. 0 in journals of before
//  16  exchange its number in this journal, from 1
//  24  time     monotonic nanoseconds
//  32  payload  padded to a multiple of eight

/// What a frame says of an exchange.
///
/// The numbers stand in journals: none is ever given to another.
public enum FrameKind: UInt8, Sendable, CaseIterable {
    /// Its request: who asked for what, when, and by which way; see ``BeginPayload``.
    case begin = 1
    /// A piece of its request's body.
    case requestBody = 2
    /// An attempt begins; see ``AttemptPayload``.
    case attemptBegan = 3
    /// An attempt failed; see ``FailurePayload``.
    case attemptFailed = 4
    /// A vendor's final head; `detail` is its status; see ``HeadPayload``.
    case responseHead = 5
    /// A piece of the response's body, as the vendor sent it.
    case chunk = 6
    /// Its end, and all that a record cannot do without; see ``SettlementPayload``.
    case settlement = 7
    /// Its end as it will be if nothing more is written, right before the client is given its last
    /// byte; the payload is a settlement's.
    case delivery = 8
    /// A piece of its request's body that is in no file: the payload says where it is in memory.
    case requestBodyAside = 9
    /// A piece of the response's body that is in no file.
    case chunkAside = 10
    /// Between which forms an attempt is translated, and what that loses; the payload is the text.
    case translation = 11

    /// The kind under which a reader is lent a frame of this kind.
    var lentKind: FrameKind {
        switch self {
        case .requestBodyAside: .requestBody
        case .chunkAside: .chunk
        default: self
        }
    }

    /// The kind of a piece of a body that is put aside.
    var asideKind: FrameKind { self == .requestBody ? .requestBodyAside : .chunkAside }

    var isAside: Bool { self == .requestBodyAside || self == .chunkAside }
}

/// A frame as a reader is lent it.
public struct Frame: ~Escapable {
    /// What it says.
    public let kind: FrameKind
    /// The attempt it belongs to, from 1.
    public let attempt: Int
    /// A number whose meaning is the kind's.
    public let detail: Int
    /// The exchange's number in this journal.
    public let exchange: UInt64
    /// When it was written.
    public let time: Instant
    /// Where it begins: bytes written to the journal before it.
    public let position: UInt64
    /// What it carries.
    public let payload: Span<UInt8>
    /// Bytes of a piece that was in no file and is gone with its process.
    public let missingBytes: Int
    /// Whether the payload is a piece of a body that is in no file, and gone once it was lent.
    public let isAside: Bool

    /// Of a piece of a body: bytes of the body that were written before it; nil where the journal
    /// does not say, as of bytes beyond 4 GiB.
    public var bodyOffset: Int? {
        detail == 0 || detail == Int(UInt32.max) ? nil : detail - 1
    }

    @_lifetime(copy payload)
    init(
        _ header: FrameHeader, position: UInt64, payload: Span<UInt8>, missingBytes: Int = 0
    ) {
        kind = header.kind.lentKind
        self.missingBytes = missingBytes
        isAside = header.kind.isAside
        attempt = Int(header.attempt)
        detail = Int(header.detail)
        exchange = header.exchange
        time = Instant(nanoseconds: header.time)
        self.position = position
        self.payload = payload
    }
}

/// The fixed part of a frame.
struct FrameHeader {
    static let bytes = 32
    static let mark: UInt16 = 0x57E1

    var length: UInt32
    var kind: FrameKind
    var attempt: UInt8 = 0
    var detail: UInt32 = 0
    var exchange: UInt64
    var time: Int64

    /// Bytes that a frame with such a payload takes in the ring.
    static func footprint(_ payloadBytes: Int) -> Int {
        (bytes + payloadBytes + 7) & ~7
    }
}
