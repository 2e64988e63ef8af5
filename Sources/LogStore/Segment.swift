import Journal
import Primitives

// DESIGN
//
// A segment is a file of entries, one behind the other, each with a text or a body of one record,
// or with frames of an exchange that was open for long:
//
//   0  crc32c    of everything after it, padding aside; it begins with a number made of the
//                segment's number and the entry's offset, so that an entry that is copied
//                elsewhere is none
//   4  mark      0x5E61
//   6  kind      see Segment.Kind
//   8  length    bytes of what it holds
//  16  identifier of its record, in two words; of frames their exchange and their position
//  32  what it holds, padded to a multiple of eight
//
// It is written by one process, at its end, and never changed. The row of a record is committed
// after its entries were written, and says where they are; what stands behind the last entry that
// a row knows is nothing, and is written over. A packed segment holds the same bytes in frames of
// Zstandard: offsets stay what they were, and no row changes.

/// What a segment's file looks like.
enum Segment {
    /// What an entry holds of its record.
    enum Kind: UInt8, Sendable {
        case requestFields = 1
        case requestBody = 2
        case responseFields = 3
        case responseBody = 4
        /// Frames of an exchange that was open for long.
        case openFrames = 5

        /// What a record's entries are, in order.
        static let ofRecord: [Kind] = [
            .requestFields, .requestBody, .responseFields, .responseBody,
        ]

        /// As messages and exports call it.
        var name: String {
            switch self {
            case .requestFields: "request_fields"
            case .requestBody: "request_body"
            case .responseFields: "response_fields"
            case .responseBody: "response_body"
            case .openFrames: "open_frames"
            }
        }
    }

    /// The offset of the first entry.
    static let headBytes = 32
    /// Bytes of an entry before what it holds.
    static let entryHeadBytes = 32
    /// Those of it that the checksum takes, at its beginning.
    static let checksumBytes = 4
    static let mark: UInt16 = 0x5E61

    /// Bytes that an entry takes in its segment; nothing is written of what is empty.
    static func footprint(_ length: Int) -> Int {
        length == 0 ? 0 : (entryHeadBytes + length + 7) & ~7
    }

    /// The checksum of an entry that has taken nothing yet.
    static func checksum(segment: UInt64, offset: Int) -> Checksum {
        let mixed = segment &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(offset)
        return Checksum(seed: UInt32(truncatingIfNeeded: mixed ^ mixed >> 32))
    }

    /// The fixed part of an entry, behind its checksum.
    static func appendEntryHead(
        _ kind: Kind, length: Int, _ identifier: Identifier, to bytes: inout ByteBuffer
    ) {
        bytes.append(littleEndian: UInt64(mark) | UInt64(kind.rawValue) << 16, count: 4)
        bytes.append(littleEndian: UInt64(length), count: 8)
        bytes.append(littleEndian: identifier.high, count: 8)
        bytes.append(littleEndian: identifier.low, count: 8)
    }

    /// The range of what an entry holds, within bytes that begin with it; nil where they are not
    /// this entry, whole.
    static func content(
        of bytes: Span<UInt8>, _ kind: Kind, length: Int, _ identifier: Identifier,
        segment: UInt64, offset: Int
    ) -> Range<Int>? {
        guard length > 0, bytes.count - entryHeadBytes >= length else { return nil }
        var reader = PayloadReader(bytes)
        let stated = UInt32(reader.number(bytes: 4))
        guard reader.number(bytes: 2) == UInt64(mark), reader.byte() == kind.rawValue,
            reader.byte() == 0, reader.number(bytes: 8) == UInt64(length),
            reader.number(bytes: 8) == identifier.high, reader.number(bytes: 8) == identifier.low
        else { return nil }
        let range = entryHeadBytes..<entryHeadBytes + length
        var checksum = checksum(segment: segment, offset: offset)
        checksum.add(bytes.extracting(4..<range.upperBound))
        return checksum.value == stated ? range : nil
    }

    /// The bytes that the entry takes which some bytes begin with; nil where they begin with none
    /// that is whole.
    ///
    /// `allowance`: bytes that may still be checked in vain.
    static func footprint(
        ofEntryIn bytes: Span<UInt8>, segment: UInt64, offset: Int, allowance: inout Int
    ) -> Int? {
        guard bytes.count > entryHeadBytes else { return nil }
        var reader = PayloadReader(bytes)
        let stated = UInt32(reader.number(bytes: 4))
        guard reader.number(bytes: 2) == UInt64(mark), Kind(rawValue: reader.byte()) != nil,
            reader.byte() == 0
        else { return nil }
        let length = reader.number(bytes: 8)
        guard length > 0, length <= UInt64(bytes.count - entryHeadBytes) else { return nil }
        let count = entryHeadBytes + Int(length)
        guard count <= allowance else { return nil }
        var checksum = checksum(segment: segment, offset: offset)
        checksum.add(bytes.extracting(4..<count))
        guard checksum.value == stated else {
            allowance -= count
            return nil
        }
        return min(footprint(Int(length)), bytes.count)
    }
}

extension Segment {
    /// The first bytes of a segment's file.
    struct Head {
        private static let plainMagic: UInt64 = 0x3147_4553_5249_4557  // "WEIRSEG1"
        private static let packedMagic: UInt64 = 0x315A_4753_5249_4557  // "WEIRSGZ1"

        /// Its number, as in the file's name.
        var number: UInt64
        /// Whether its entries are in frames of Zstandard.
        var isPacked: Bool
        /// Milliseconds since 1970 of its making.
        var madeAt: UInt64

        /// The bytes of it.
        var bytes: ByteBuffer {
            var bytes = ByteBuffer(capacity: headBytes)
            bytes.append(littleEndian: isPacked ? Self.packedMagic : Self.plainMagic, count: 8)
            bytes.append(littleEndian: number, count: 8)
            bytes.append(littleEndian: madeAt, count: 8)
            var checksum = Checksum(seed: 0)
            checksum.add(bytes.bytes)
            bytes.append(littleEndian: UInt64(checksum.value), count: 8)
            return bytes
        }

        init(number: UInt64, isPacked: Bool, madeAt: UInt64) {
            self.number = number
            self.isPacked = isPacked
            self.madeAt = madeAt
        }

        /// Nil where the bytes are not the head of the segment with this number.
        init?(_ bytes: Span<UInt8>, number: UInt64) {
            guard bytes.count >= headBytes else { return nil }
            var reader = PayloadReader(bytes)
            let magic = reader.number(bytes: 8)
            guard magic == Self.plainMagic || magic == Self.packedMagic,
                reader.number(bytes: 8) == number
            else { return nil }
            self.number = number
            isPacked = magic == Self.packedMagic
            madeAt = reader.number(bytes: 8)
            var checksum = Checksum(seed: 0)
            checksum.add(bytes.extracting(0..<24))
            guard reader.number(bytes: 8) == UInt64(checksum.value) else { return nil }
        }
    }
}
