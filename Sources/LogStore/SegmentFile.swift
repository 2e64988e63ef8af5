import Glibc
import Primitives
import Reactor

/// A segment's file, opened for reading.
@safe
final class SegmentFile {
    let descriptor: Int32
    /// Its bytes.
    let size: Int
    /// What its beginning says, or, where that is damaged, what can be seen without it.
    private(set) var head: Segment.Head
    /// Whether its beginning is what was written.
    let isHeadWhole: Bool
    /// What restores damaged bytes of it; nil where nothing does.
    private(set) var parity: SegmentParity?
    /// What was restored, in the order of offsets.
    private var restored: [SegmentParity.Damage] = []

    /// Why a segment cannot be read.
    enum Fault: Error, Equatable {
        /// There is no such file any more.
        case gone
        /// The file cannot be opened, with the number of the error.
        case unreadable(Int32)
    }

    init(_ path: String, number: UInt64) throws(Fault) {
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw errno == ENOENT ? .gone : .unreadable(errno) }
        var status = stat()
        let isFile =
            unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        size = isFile ? Int(status.st_size) : 0
        let first = Self.read(descriptor, 0..<min(size, Segment.headBytes))
        let stated = Segment.Head(first.span, number: number)
        isHeadWhole = stated != nil
        head = stated ?? Segment.Head(number: number, isPacked: false, madeAt: 0)
        if stated?.isPacked == false { return }
        parity = SegmentParity(of: self)
        // Both forms can be read without it: only which of them it is must be found out.
        if stated == nil {
            head.isPacked = parity != nil || SegmentDirectory.isStated(in: self, end: size)
        }
    }

    deinit {
        close(descriptor)
    }

    /// Bytes of it without what restores them.
    var end: Int { parity?.end ?? size }

    /// Looks for damage in a packed segment, of which what can be restored is read as it was
    /// written from then on.
    func restore() -> [SegmentParity.Damage] {
        restored = []
        guard let parity else {
            // An earlier version's ends with its directory, and no other is without parity.
            guard head.isPacked, !SegmentDirectory.isStated(in: self, end: size) else { return [] }
            return [SegmentParity.Damage(offset: max(0, size - 1), count: min(1, size))]
        }
        let damage = parity.damage(in: self)
        restored = damage.filter { $0.restored != nil }
        let first = read(0..<Segment.headBytes)
        head = Segment.Head(first.span, number: head.number) ?? head
        return damage
    }

    /// The bytes of a range, as far as they can be read.
    func read(_ range: Range<Int>) -> [UInt8] {
        let end = min(range.upperBound, size)
        guard range.lowerBound >= 0, range.lowerBound < end else { return [] }
        var bytes = Self.read(descriptor, range.lowerBound..<end)
        for damage in restored {
            guard let right = damage.restored else { continue }
            for (index, byte) in right.enumerated() {
                let position = damage.offset + index - range.lowerBound
                if bytes.indices.contains(position) { bytes[position] = byte }
            }
        }
        return bytes
    }

    /// The bytes of a range of a file, as far as they can be read.
    static func read(_ descriptor: Int32, _ range: Range<Int>) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: range.count) { room, filled in
            while filled < range.count {
                let count = unsafe pread(
                    descriptor, room.baseAddress.map { unsafe $0 + filled },
                    range.count - filled, off_t(range.lowerBound + filled))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return }
                filled += count
            }
        }
    }

    /// Reads bytes from an offset on into all of some memory.
    ///
    /// By reading, and not through a mapping: to map what is looked at once takes longer than the
    /// copy.
    @unsafe
    func read(
        from offset: Int, into room: UnsafeMutableRawBufferPointer
    ) throws(SystemError) {
        var filled = 0
        while filled < room.count {
            let count = unsafe pread(
                descriptor, room.baseAddress.map { unsafe $0 + filled }, room.count - filled,
                off_t(offset + filled))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                throw SystemError(call: "pread", code: count < 0 ? errno : EIO)
            }
            filled += count
        }
    }
}
