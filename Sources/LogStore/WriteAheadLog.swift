import Glibc
import Primitives
import Reactor

// SQLite reads its write-ahead log up to the first frame whose checksum is wrong, and takes that
// for the end. That is right for what a machine's crash left half written. But one bit that flips
// in an early frame so takes all transactions behind it, and what rows do not know is cut off
// segments. Each frame's checksum begins with that of the frame before, as it stands there. So
// frames behind the damage still show that they are whole, and which number the damaged one should
// come to. Two thirds of the bits that may have flipped alone can be found by that. Of the others
// it does not matter which it was, if a later transaction in the log writes the same page.

/// The write-ahead log of a database that no process has open.
@safe
struct WriteAheadLog {
    /// What was found.
    enum Finding: Equatable {
        /// All transactions can be read, or there are none.
        case whole
        /// Bits are wrong that can be put right, at these offsets.
        case flipped([Int])
        /// Transactions behind some frame cannot be read.
        case damaged
    }

    private static let headBytes = 32
    private static let frameHeadBytes = 24
    private static let magic: UInt32 = 0x377F_0682

    private typealias Sum = (first: UInt32, second: UInt32)

    private let descriptor: Int32
    private let size: Int
    private var fixes: [(offset: Int, byte: UInt8)] = []
    private var isLittle = true
    private var pageBytes = 0
    private var salt: ArraySlice<UInt8> = []

    /// Looks at the log beside a database; puts right what can be, if `repairs`.
    static func look(_ path: String, repairs: Bool) throws(SystemError) -> Finding {
        let flags = (repairs ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open("\(path)-wal", flags)
        // What cannot be opened is SQLite's to name.
        guard descriptor >= 0 else { return .whole }
        defer { close(descriptor) }
        var log = WriteAheadLog(descriptor)
        var finding = log.look()
        // Another process may have begun the log anew meanwhile.
        for _ in 0..<3 where finding != .whole {
            var again = WriteAheadLog(descriptor)
            let second = again.look()
            let isSame = second == finding
            (log, finding) = (again, second)
            if isSame { break }
        }
        guard repairs, case .flipped = finding else { return finding }
        for fix in log.fixes {
            var byte = fix.byte
            guard unsafe pwrite(descriptor, &byte, 1, off_t(fix.offset)) == 1 else {
                throw SystemError(call: "pwrite \(path)-wal")
            }
        }
        guard fdatasync(descriptor) == 0 else { throw SystemError(call: "fdatasync \(path)-wal") }
        return finding
    }

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        size = max(0, Int(lseek(descriptor, 0, SEEK_END)))
    }

    private mutating func look() -> Finding {
        guard size > Self.headBytes else { return .whole }
        var head = SegmentFile.read(descriptor, 0..<Self.headBytes)
        if !isWhole(head) {
            // Of the last salt and the checksum a bit does the same: the first frame shows which.
            let bits = (0..<8 * Self.headBytes).filter { begins(with: Self.flip($0, head)) }
            guard bits.count == 1 else { return .damaged }
            head = Self.flip(bits[0], head)
            fixes.append((bits[0] / 8, head[bits[0] / 8]))
        }
        guard adopt(head) else { return .damaged }
        let isReadable = lookAtFrames(from: (Self.number(head, 24), Self.number(head, 28)))
        return !isReadable ? .damaged : fixes.isEmpty ? .whole : .flipped(fixes.map(\.offset))
    }

    /// Takes over what a head says; false where it says what no log does.
    private mutating func adopt(_ head: [UInt8]) -> Bool {
        isLittle = Self.number(head, 0) == Self.magic
        pageBytes = Int(Self.number(head, 8))
        salt = head[16..<24]
        return pageBytes >= 512 && pageBytes <= 65536
    }

    /// Whether a head is whole, and the first frame belongs to it.
    private mutating func begins(with head: [UInt8]) -> Bool {
        guard isWhole(head), adopt(head) else { return false }
        let end = Self.headBytes + Self.frameHeadBytes + pageBytes
        let frame = SegmentFile.read(descriptor, Self.headBytes..<end)
        guard frame.count == end - Self.headBytes, frame[8..<16] == salt else { return false }
        let sum = checksum(of: frame, from: (Self.number(head, 24), Self.number(head, 28)))
        return sum == (Self.number(frame, 16), Self.number(frame, 20))
    }

    /// Whether every transaction can be read, some after a fix.
    private mutating func lookAtFrames(from start: Sum) -> Bool {
        let frameBytes = Self.frameHeadBytes + pageBytes
        var sum = start
        var offset = Self.headBytes
        while size - offset >= frameBytes {
            let frame = SegmentFile.read(descriptor, offset..<offset + frameBytes)
            guard frame.count == frameBytes else { return false }
            let computed = checksum(of: frame, from: sum)
            let stated: Sum = (Self.number(frame, 16), Self.number(frame, 20))
            if computed == stated, frame[8..<16] == salt {
                sum = stated
            } else {
                guard let right = fix(frame, at: offset, from: sum, computed, stated) else {
                    // The end, if no transaction is behind it that belongs to this log.
                    return !hasTransaction(from: offset, stated)
                }
                sum = right
            }
            offset += frameBytes
        }
        return true
    }

    /// Whether a frame behind one ends a transaction of this log: it is whole by the checksum that
    /// stands in the one before.
    private func hasTransaction(from first: Int, _ stated: Sum) -> Bool {
        let frameBytes = Self.frameHeadBytes + pageBytes
        var before = stated
        var offset = first + frameBytes
        while size - offset >= frameBytes {
            let frame = SegmentFile.read(descriptor, offset..<offset + frameBytes)
            let next: Sum = (Self.number(frame, 16), Self.number(frame, 20))
            if frame[8..<16] == salt, Self.number(frame, 4) > 0,
                checksum(of: frame, from: before) == next
            {
                return true
            }
            before = next
            offset += frameBytes
        }
        return false
    }

    /// Puts one bit of a frame right; the checksum that the next one begins with, or nil where more
    /// than a bit is wrong.
    private mutating func fix(
        _ frame: [UInt8], at offset: Int, from sum: Sum, _ computed: Sum, _ stated: Sum
    ) -> Sum? {
        func add(_ index: Int, _ byte: UInt8) { fixes.append((offset + index, byte)) }
        if computed == stated {
            // The salts are in no checksum.
            let wrong = (8..<16).filter { frame[$0] != salt[salt.startIndex + $0 - 8] }
            for index in wrong { add(index, salt[salt.startIndex + index - 8]) }
            return stated
        }
        guard frame[8..<16] == salt else { return nil }
        let difference = (computed.first ^ stated.first, computed.second ^ stated.second)
        if difference.0.nonzeroBitCount + difference.1.nonzeroBitCount == 1 {
            // The checksum itself, or the last word of the page: the next frame shows which.
            if isFollowed(frame, at: offset, by: computed) {
                for index in 0..<8 {
                    let word = index < 4 ? computed.first : computed.second
                    let byte = UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * (index % 4)))
                    if byte != frame[16 + index] { add(16 + index, byte) }
                }
                return computed
            }
            guard isFollowed(frame, at: offset, by: stated) else { return nil }
        }
        let bits = flippedBits(of: frame, computed, stated)
        // Of several that it may be any will do where the page is written anew later: nothing of
        // this one is read then. But the page's number must be right.
        let isSure =
            bits.count == 1
            || bits.allSatisfy { $0 / 8 >= Self.frameHeadBytes }
                && isWrittenAnew(frame, at: offset, stated)
        guard isSure, let bit = bits.first else { return nil }
        let right = Self.flip(bit, frame)
        guard checksum(of: right, from: sum) == stated else { return nil }
        add(bit / 8, right[bit / 8])
        return stated
    }

    /// Whether the frame behind one is whole if a checksum is that of the one before.
    private func isFollowed(_ frame: [UInt8], at offset: Int, by sum: Sum) -> Bool {
        let next = SegmentFile.read(descriptor, offset + frame.count..<offset + 2 * frame.count)
        guard next.count == frame.count, next[8..<16] == salt else { return false }
        return checksum(of: next, from: sum) == (Self.number(next, 16), Self.number(next, 20))
    }

    /// Whether a transaction behind a frame, up to which all frames are whole, writes its page.
    private func isWrittenAnew(_ frame: [UInt8], at first: Int, _ stated: Sum) -> Bool {
        var (before, offset, isFound) = (stated, first + frame.count, false)
        while size - offset >= frame.count {
            let next = SegmentFile.read(descriptor, offset..<offset + frame.count)
            let sum: Sum = (Self.number(next, 16), Self.number(next, 20))
            guard next[8..<16] == salt, checksum(of: next, from: before) == sum else {
                return false
            }
            isFound = isFound || next[0..<4] == frame[0..<4]
            if isFound, Self.number(next, 4) > 0 { return true }
            before = sum
            offset += frame.count
        }
        return false
    }

    /// The bits each of which alone makes a frame's checksum differ from what is stated.
    ///
    /// Sums are linear: what a word adds to the end depends on how many words follow it. They are
    /// of 32 bits, so the upper third of the bits of a word differs too little from others.
    private func flippedBits(of frame: [UInt8], _ computed: Sum, _ stated: Sum) -> [Int] {
        let wanted: Sum = (stated.first &- computed.first, stated.second &- computed.second)
        // Where the pairs of words are that a checksum is of, the last first.
        let pairs = [0] + stride(from: Self.frameHeadBytes, to: frame.count, by: 8)
        var weights: [Sum] = [(1, 1), (0, 1)]
        var found: [Int] = []
        for pair in pairs.reversed() {
            for (index, weight) in weights.enumerated() {
                for bit in 0..<32 {
                    let value = UInt32(1) << UInt32(bit)
                    let delta: Sum = (weight.first &* value, weight.second &* value)
                    let byte = pair + 4 * index + (isLittle ? bit / 8 : 3 - bit / 8)
                    // A bit that is to be set adds, one that is to be cleared takes away.
                    let isSet = frame[byte] >> UInt8(bit % 8) & 1 == 1
                    let effect = isSet ? (0 &- delta.first, 0 &- delta.second) : delta
                    if effect == wanted { found.append(8 * byte + bit % 8) }
                }
            }
            weights = weights.map { ($0.first &+ $0.second, $0.first &+ 2 &* $0.second) }
        }
        return found
    }

    private func checksum(of frame: [UInt8], from sum: Sum) -> Sum {
        Self.sum(frame[Self.frameHeadBytes...], Self.sum(frame[0..<8], sum, isLittle), isLittle)
    }

    private static func sum(_ bytes: ArraySlice<UInt8>, _ start: Sum, _ isLittle: Bool) -> Sum {
        var (first, second) = start
        let span = bytes.span
        var index = 0
        while index + 8 <= span.count {
            first = first &+ word(span, index, isLittle) &+ second
            second = second &+ word(span, index + 4, isLittle) &+ first
            index += 8
        }
        return (first, second)
    }

    private static func word(_ bytes: Span<UInt8>, _ index: Int, _ isLittle: Bool) -> UInt32 {
        let big =
            UInt32(bytes[index]) << 24 | UInt32(bytes[index + 1]) << 16
            | UInt32(bytes[index + 2]) << 8 | UInt32(bytes[index + 3])
        return isLittle ? big.byteSwapped : big
    }

    private static func number(_ bytes: [UInt8], _ index: Int) -> UInt32 {
        word(bytes.span, index, false)
    }

    private func isWhole(_ head: [UInt8]) -> Bool {
        let magic = Self.number(head, 0)
        guard magic & ~1 == Self.magic else { return false }
        let sum = Self.sum(head[0..<24], (0, 0), magic == Self.magic)
        return sum == (Self.number(head, 24), Self.number(head, 28))
    }

    private static func flip(_ bit: Int, _ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return bytes
    }
}
