import CJournal
import Glibc
public import Primitives
public import Reactor

/// Writes the frames of one worker: never waits, and takes nothing from the heap.
///
/// Room is given in three ranks. Pieces of bodies leave an eighth of the ring free, so that they
/// are the first to be dropped. Frames about an exchange's course may use that eighth. For every
/// exchange that was begun, room for its delivery and its settlement is set aside, so that they
/// always find some.
/// An exchange that cannot be promised that room is not begun here, and counted as dropped.
///
/// A value that is never copied: its holder is the one writer.
@safe
public struct JournalWriter: ~Copyable {
    /// Bytes set aside for each delivery and each settlement, its header included.
    public static let settlementBytesMax = 1048

    private let file: JournalFile
    private let waker: Waker
    private let bodyHeadroom: UInt64
    private let nearlyFull: UInt64
    private var cursor: UInt64
    private var contentCursor: UInt64 = 0
    /// The reader's cursor as it was last seen: asked again only when room seems short.
    private var readCursor: UInt64
    private var reserved: UInt64 = 0
    private var open = 0
    private var emitted = 0
    private var dropped = 0
    private var droppedFrames = 0
    private var droppedBytes = 0

    /// The only writer to a journal; the waker wakes its reader.
    public init(_ file: JournalFile, waker: Waker) {
        self.file = file
        self.waker = waker
        cursor = file.writeCursor
        readCursor = file.readCursor
        bodyHeadroom = UInt64(file.capacity / 8)
        nearlyFull = UInt64(file.capacity / 4)
    }

    /// The exchange and attempt of a frame, for its header.
    public struct FrameTag {
        /// The exchange's number.
        public var exchange: UInt64
        /// Which attempt, from 1; 0 is the exchange itself.
        public var attempt: Int
        /// The reading of the loop's clock.
        public var time: Instant

        /// A tag of these parts.
        public init(exchange: UInt64, attempt: Int = 0, time: Instant) {
            self.exchange = exchange
            self.attempt = attempt
            self.time = time
        }
    }

    /// Begins an exchange and sets its settlement's room aside.
    ///
    /// Returns its number; nil when there is no room to promise, and it is counted as dropped.
    public mutating func begin(_ payload: Span<UInt8>, time: Instant) -> UInt64? {
        let footprint = UInt64(FrameHeader.footprint(payload.count))
        let endings = 2 * UInt64(Self.settlementBytesMax)
        beginCounting()
        emitted += 1
        guard hasRoom(for: footprint + endings) else {
            dropped += 1
            endCounting()
            waker.wake()
            return nil
        }
        reserved += endings
        open += 1
        write(.begin, FrameTag(exchange: UInt64(emitted), time: time), detail: 0, payload)
        endCounting()
        return UInt64(emitted)
    }

    /// Adds to what is written of an exchange; false when there was no room for it.
    @discardableResult
    public mutating func append(
        _ kind: FrameKind, _ tag: FrameTag, detail: Int = 0, _ payload: Span<UInt8>
    ) -> Bool {
        guard hasRoom(for: UInt64(FrameHeader.footprint(payload.count))) else {
            countDropped(payload.count)
            return false
        }
        write(kind, tag, detail: detail, payload)
        return true
    }

    /// Adds a piece of a body; false when it was dropped because there was no room.
    ///
    /// `offset`: bytes of the body that were written before it.
    @inline(__always)
    public mutating func appendBody(
        _ kind: FrameKind, _ tag: FrameTag, _ piece: Span<UInt8>, at offset: Int
    ) -> Bool {
        let footprint = UInt64(FrameHeader.footprint(piece.count))
        guard hasRoom(for: footprint + bodyHeadroom) else {
            countDropped(piece.count)
            return false
        }
        write(kind, tag, detail: offset &+ 1, piece)
        return true
    }

    /// Adds a piece of a body that is to be in no file; false when there was no room for it.
    ///
    /// Without a content ring beside the journal it is dropped, too. `offset`: as in
    /// ``appendBody(_:_:_:at:)``.
    public mutating func appendBodyAside(
        _ kind: FrameKind, _ tag: FrameTag, _ piece: Span<UInt8>, at offset: Int
    ) -> Bool {
        let footprint = UInt64(FrameHeader.footprint(16))
        guard let content = file.content, hasRoom(for: footprint + bodyHeadroom),
            let run = content.run(after: contentCursor, count: piece.count)
        else {
            countDropped(piece.count)
            return false
        }
        content.write(piece, at: run)
        contentCursor = run.end
        var words: InlineArray<2, UInt64> = [run.start.littleEndian, 0]
        words[1] = UInt64(run.count).littleEndian
        unsafe words.span.withUnsafeBytes { bytes in
            unsafe write(
                kind.asideKind, tag, detail: offset &+ 1, Span<UInt8>(_unsafeBytes: bytes))
        }
        return true
    }

    /// Writes how a begun exchange ends if nothing more is written of it: there is always
    /// room for it.
    ///
    /// Once for an exchange. The payload has at most ``settlementBytesMax`` bytes, header included.
    public mutating func appendDelivery(_ tag: FrameTag, _ payload: Span<UInt8>) {
        precondition(FrameHeader.footprint(payload.count) <= Self.settlementBytesMax)
        reserved -= UInt64(Self.settlementBytesMax)
        write(.delivery, tag, detail: 0, payload)
    }

    /// Ends an exchange that was begun: there is always room for it.
    ///
    /// The payload has at most ``settlementBytesMax`` bytes, header included.
    public mutating func settle(
        _ tag: FrameTag, isDeliveryWritten: Bool = false, _ payload: Span<UInt8>
    ) {
        precondition(FrameHeader.footprint(payload.count) <= Self.settlementBytesMax)
        reserved -= UInt64((isDeliveryWritten ? 1 : 2) * Self.settlementBytesMax)
        open -= 1
        write(.settlement, tag, detail: 0, payload)
        // Behind the frame: a reader that sees none open has its frame to read.
        file[.open] = UInt64(open)
        waker.wake()
    }

    /// Exchanges begun and not settled.
    public var openCount: Int { open }

    private mutating func hasRoom(for bytes: UInt64) -> Bool {
        let wanted = cursor + bytes + reserved
        if wanted <= readCursor + UInt64(file.capacity) { return true }
        readCursor = file.readCursor
        return wanted <= readCursor + UInt64(file.capacity)
    }

    private mutating func write(
        _ kind: FrameKind, _ tag: FrameTag, detail: Int, _ payload: Span<UInt8>
    ) {
        let header = FrameHeader(
            length: UInt32(payload.count), kind: kind, attempt: UInt8(clamping: tag.attempt),
            detail: UInt32(clamping: detail), exchange: tag.exchange, time: tag.time.nanoseconds
        )
        let start = unsafe file.address(cursor)
        unsafe payload.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe memcpy(start + FrameHeader.bytes, source, bytes.count)
        }
        unsafe header.store(to: start, seed: file.checksumSeed(at: cursor))
        cursor += UInt64(FrameHeader.footprint(payload.count))
        // The frame is there for the reader from here on, and not before.
        file[.writeCursor] = cursor
        if cursor - readCursor > nearlyFull { wakeIfNearlyFull() }
    }

    // A reader that rests is woken by settlements. Long streams alone fill the ring too.
    private mutating func wakeIfNearlyFull() {
        guard cursor - readCursor > nearlyFull else { return }
        readCursor = file.readCursor
        if cursor - readCursor > nearlyFull { waker.wake() }
    }

    private mutating func countDropped(_ bytes: Int) {
        beginCounting()
        droppedFrames += 1
        droppedBytes += bytes
        endCounting()
        waker.wake()
    }

    // Counts that change together are seen together: the revision is odd meanwhile.
    private func beginCounting() {
        // Not `+=`: that would borrow the whole file, while other code reads words of it.
        file[.revision] = file[.revision] &+ 1
        cjournal_fence()
    }

    private func endCounting() {
        file[.emitted] = UInt64(emitted)
        file[.dropped] = UInt64(dropped)
        file[.droppedFrames] = UInt64(droppedFrames)
        file[.droppedBytes] = UInt64(droppedBytes)
        file[.open] = UInt64(open)
        file[.revision] = file[.revision] &+ 1
    }
}

@available(*, unavailable)
extension JournalWriter: Sendable {}

extension FrameHeader {
    /// Writes the header before a payload that is in the ring already, the checksum last.
    ///
    /// `seed` is what the checksum begins with.
    @unsafe
    func store(to start: UnsafeMutableRawPointer, seed: UInt32) {
        unsafe start.storeBytes(of: length.littleEndian, toByteOffset: 4, as: UInt32.self)
        unsafe start.storeBytes(of: Self.mark.littleEndian, toByteOffset: 8, as: UInt16.self)
        unsafe start.storeBytes(of: kind.rawValue, toByteOffset: 10, as: UInt8.self)
        unsafe start.storeBytes(of: attempt, toByteOffset: 11, as: UInt8.self)
        unsafe start.storeBytes(of: detail.littleEndian, toByteOffset: 12, as: UInt32.self)
        unsafe start.storeBytes(of: exchange.littleEndian, toByteOffset: 16, as: UInt64.self)
        unsafe start.storeBytes(of: time.littleEndian, toByteOffset: 24, as: Int64.self)
        let checksum = unsafe cjournal_crc32c(seed, start + 4, Self.bytes - 4 + Int(length))
        unsafe start.storeBytes(of: checksum.littleEndian, as: UInt32.self)
    }

    /// Reads a header as the other initialiser does.
    @unsafe
    init?(at start: UnsafeRawPointer, available: Int, seed: UInt32) {
        var checked = 0
        unsafe self.init(at: start, available: available, seed: seed, checked: &checked)
    }

    /// Reads a header at most `available` bytes of which are written; nil when it is none, or its
    /// payload is damaged; `checked` then grows by the bytes whose checksum was wrong.
    ///
    /// `uncheckedMin`: pieces of bodies of so many bytes and more are not checked.
    @unsafe
    init?(
        at start: UnsafeRawPointer, available: Int, seed: UInt32, uncheckedMin: Int = .max,
        checked: inout Int
    ) {
        guard available >= Self.bytes,
            unsafe UInt16(littleEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt16.self))
                == Self.mark,
            let kind = unsafe FrameKind(
                rawValue: start.loadUnaligned(fromByteOffset: 10, as: UInt8.self))
        else { return nil }
        length = unsafe UInt32(
            littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        guard Int(length) <= available - Self.bytes else { return nil }
        let isUnchecked =
            Int(length) >= uncheckedMin && (kind == .requestBody || kind == .chunk)
        let checksum = unsafe UInt32(littleEndian: start.loadUnaligned(as: UInt32.self))
        guard
            unsafe isUnchecked
                || cjournal_crc32c(seed, start + 4, Self.bytes - 4 + Int(length)) == checksum
        else {
            checked += Int(length)
            return nil
        }
        self.kind = kind
        attempt = unsafe start.loadUnaligned(fromByteOffset: 11, as: UInt8.self)
        detail = unsafe UInt32(
            littleEndian: start.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
        exchange = unsafe UInt64(
            littleEndian: start.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        time = unsafe Int64(littleEndian: start.loadUnaligned(fromByteOffset: 24, as: Int64.self))
    }
}
