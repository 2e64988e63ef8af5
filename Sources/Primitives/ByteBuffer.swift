public import Glibc

/// A growable run of bytes, appended at the end and consumed at the front.
///
/// It owns its memory alone: no reference counting, no copy on write. A buffer without storage
/// costs nothing, so idle connections give theirs back (see ``BufferPool``).
@safe
public struct ByteBuffer: ~Copyable {
    @usableFromInline var base: UnsafeMutableRawPointer?
    @usableFromInline var start = 0
    @usableFromInline var end = 0

    /// The smallest storage: what is appended piece by piece would grow by a few bytes otherwise.
    private static let capacityMin = 64

    /// Bytes of storage, filled or not.
    public internal(set) var capacity = 0

    /// An empty buffer without storage.
    public init() {
        unsafe base = nil
    }

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) {
        unsafe base = nil
        reserve(capacity)
    }

    deinit {
        unsafe free(base)
    }

    /// Bytes held.
    @inlinable
    public var count: Int { end - start }

    /// Whether no byte is held.
    @inlinable
    public var isEmpty: Bool { end == start }

    /// The bytes held.
    @inlinable
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let view = unsafe UnsafeBufferPointer(
                start: base?.assumingMemoryBound(to: UInt8.self).advanced(by: start),
                count: base == nil ? 0 : count
            )
            return unsafe _overrideLifetime(Span(_unsafeElements: view), borrowing: self)
        }
    }

    /// Some of the bytes held, counted from the first one.
    @inlinable
    @_lifetime(borrow self)
    public func bytes(_ range: Range<Int>) -> Span<UInt8> {
        unsafe _overrideLifetime(bytes.extracting(range), borrowing: self)
    }

    /// Makes room for `extra` more bytes.
    @inlinable
    @inline(__always)
    public mutating func reserve(_ extra: Int) {
        if end + extra > capacity { makeRoom(extra) }
    }

    /// The rare half of ``reserve(_:)``, out of the way of the usual one.
    @inline(never)
    @usableFromInline
    mutating func makeRoom(_ extra: Int) {
        if start > 0 {
            // What was consumed is reclaimed before the storage grows.
            let held = count
            if let base = unsafe base { unsafe memmove(base, base + start, held) }
            start = 0
            end = held
            guard end + extra > capacity else { return }
        }
        let grown = capacity < 1 << 20 ? capacity * 2 : capacity + capacity / 2
        let wanted = max(end + extra, grown, Self.capacityMin)
        guard let moved = unsafe realloc(base, wanted) else {
            fatalError("out of memory: \(wanted) bytes for a buffer")
        }
        unsafe base = moved
        capacity = wanted
    }

    /// Lets the caller fill up to `room` bytes at the end; the closure returns how many it wrote.
    public mutating func fill<R>(
        room: Int,
        _ body: (UnsafeMutableRawBufferPointer) throws -> (count: Int, result: R)
    ) rethrows -> R {
        reserve(room)
        let space = unsafe UnsafeMutableRawBufferPointer(
            start: base?.advanced(by: end),
            count: capacity - end
        )
        let (written, result) = try unsafe body(space)
        precondition(written >= 0 && written <= capacity - end)
        end += written
        return result
    }

    /// Appends bytes.
    @inlinable
    public mutating func append(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// Appends bytes with the mask of a WebSocket's frame taken off: byte N is masked by byte
    /// `phase + N` of the key's four, over and over.
    public mutating func append(_ bytes: Span<UInt8>, unmaskedBy key: [4 of UInt8], phase: Int) {
        let count = bytes.count
        reserve(count)
        guard count > 0, let base = unsafe base else { return }
        // Eight at a time: a realtime session's audio is all masked, and byte by byte this took
        // two fifths of what a frame costs.
        var word: UInt64 = 0
        for index in 0..<8 {
            word |= UInt64(key[(phase + index) & 3]) << UInt64(8 * index)
        }
        word = UInt64(littleEndian: word)
        unsafe bytes.withUnsafeBytes { source in
            let target = unsafe base + end
            var offset = 0
            let words = SIMD2(repeating: word)
            while offset + 16 <= count {
                let masked = unsafe source.loadUnaligned(
                    fromByteOffset: offset, as: SIMD2<UInt64>.self)
                unsafe target.storeBytes(
                    of: masked ^ words, toByteOffset: offset, as: SIMD2<UInt64>.self)
                offset += 16
            }
            while offset + 8 <= count {
                let masked = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                unsafe target.storeBytes(of: masked ^ word, toByteOffset: offset, as: UInt64.self)
                offset += 8
            }
            while offset < count {
                let byte = unsafe source[offset] ^ key[(phase + offset) & 3]
                unsafe target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                offset += 1
            }
        }
        end += count
    }

    /// Appends the bytes of another buffer.
    @inlinable
    public mutating func append(contentsOf other: borrowing ByteBuffer) {
        append(other.bytes)
    }

    /// Appends bytes that a C callback lent for the length of the call.
    @inlinable
    @unsafe
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count)
        guard let base = unsafe base else { return }
        unsafe memcpy(base + end, source, bytes.count)
        end += bytes.count
    }

    /// Appends the bytes of a literal.
    @inlinable
    public mutating func append(_ literal: StaticString) {
        unsafe append(
            UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends the UTF-8 of a text.
    public mutating func append(text: String) {
        // Where it lies: a copy to make it contiguous would count a reference for nothing.
        let isAppended: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe append(UnsafeRawBufferPointer($0))
        }
        guard isAppended == nil else { return }
        var text = text
        text.withUTF8 { unsafe append(UnsafeRawBufferPointer($0)) }
    }

    /// Appends one byte.
    @inlinable
    public mutating func append(byte: UInt8) {
        reserve(1)
        unsafe base?.storeBytes(of: byte, toByteOffset: end, as: UInt8.self)
        end += 1
    }

    /// Appends the lower `count` bytes of a number, at most eight, the lowest first.
    @inlinable
    public mutating func append(littleEndian value: UInt64, count: Int) {
        precondition(count >= 0 && count <= 8)
        // Room for all eight, so that it is one store: those beyond the end mean nothing.
        reserve(8)
        unsafe base?.storeBytes(of: value.littleEndian, toByteOffset: end, as: UInt64.self)
        end += count
    }

    /// Appends a number in decimal digits.
    public mutating func append(decimal value: Int) {
        appendDecimal(UInt64(value.magnitude), negative: value < 0)
    }

    /// Appends a number in lower-case hexadecimal digits, as a chunk's size is written.
    public mutating func append(hexadecimal value: Int) {
        reserve(16)
        var rest = UInt64(value.magnitude)
        // Written once for each relayed chunk: shifted out, from the first digit that is not zero.
        var shift = max(0, (63 - rest.leadingZeroBitCount) & ~3)
        rest <<= UInt64(60 - shift)
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: rest >> 60)
            let character = digit < 10 ? 48 + digit : 87 + digit
            unsafe base?.storeBytes(of: character, toByteOffset: end, as: UInt8.self)
            end += 1
            rest <<= 4
            shift -= 4
        }
    }

    private mutating func appendDecimal(_ value: UInt64, negative: Bool) {
        reserve(21)
        var digits = 1
        var rest = value / 10
        while rest > 0 {
            digits += 1
            rest /= 10
        }
        if negative { append(byte: UInt8(ascii: "-")) }
        rest = value
        for offset in stride(from: digits - 1, through: 0, by: -1) {
            let character = 48 + UInt8(truncatingIfNeeded: rest % 10)
            unsafe base?.storeBytes(of: character, toByteOffset: end + offset, as: UInt8.self)
            rest /= 10
        }
        end += digits
    }

    /// Drops bytes at the front.
    public mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        start += count
        if start == end {
            start = 0
            end = 0
        }
    }

    /// Drops bytes at the end.
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count)
        end = start + count
    }

    /// Drops all bytes and keeps the storage.
    public mutating func removeAll() {
        start = 0
        end = 0
    }

    /// Drops all bytes and gives the storage back.
    public mutating func release() {
        unsafe free(base)
        unsafe base = nil
        capacity = 0
        removeAll()
    }

    /// The bytes held, for a system call or a C library that reads them during the call, or until
    /// the buffer is next changed where the caller knows that it will not be.
    @unsafe
    public var pointer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base?.advanced(by: start), count: count)
    }

    /// Overwrites one byte in place.
    public mutating func set(_ byte: UInt8, at offset: Int) {
        precondition(offset >= 0 && offset < count)
        unsafe base?.storeBytes(of: byte, toByteOffset: start + offset, as: UInt8.self)
    }

    /// Hands the storage over to a pool and leaves the buffer without any.
    @unsafe
    mutating func surrenderStorage() -> UnsafeMutableRawPointer? {
        let storage = unsafe base
        unsafe base = nil
        capacity = 0
        removeAll()
        return unsafe storage
    }

    /// Adopts storage that a pool lends; the buffer must have none.
    @unsafe
    mutating func adoptStorage(_ storage: UnsafeMutableRawPointer, capacity: Int) {
        precondition(unsafe base == nil)
        unsafe base = storage
        self.capacity = capacity
    }
}
