// Vectors of sixteen bytes are compared as such, and their result is read as two numbers: `any` of
// a vector's mask is a call for each, and took more instructions than eight bytes at a time did.
extension Span where Element == UInt8 {
    /// Where the first byte at or after `offset` stands that is below `bound` or is one of two
    /// others; `count` if there is none.
    ///
    /// Sixteen bytes at a time, because heads and events are walked over on every call.
    @inlinable
    @inline(__always)
    public func firstIndex(
        below bound: UInt8, or one: UInt8, or other: UInt8, from offset: Int = 0
    ) -> Int {
        let bounds = SIMD16<UInt8>(repeating: bound)
        let ones = SIMD16<UInt8>(repeating: one)
        let others = SIMD16<UInt8>(repeating: other)
        var index = offset
        while index &+ 16 <= count {
            let bytes = vector(at: index)
            let found = Self.words((bytes .< bounds) .| (bytes .== ones) .| (bytes .== others))
            if found[0] | found[1] != 0 { return index &+ Self.firstIndex(in: found) }
            index &+= 16
            // A prompt is mostly one long string.
            if index &- offset == 64 { index = endOfRun(without: bounds, ones, others, index) }
        }
        while index < count {
            let byte = self[index]
            if byte < bound || byte == one || byte == other { return index }
            index &+= 1
        }
        return count
    }

    /// Walks over runs of 64 bytes of which none is below a bound or is one of two others.
    @usableFromInline
    func endOfRun(
        without bounds: SIMD16<UInt8>, _ ones: SIMD16<UInt8>, _ others: SIMD16<UInt8>,
        _ offset: Int
    ) -> Int {
        @inline(__always)
        func found(_ bytes: SIMD16<UInt8>) -> SIMDMask<SIMD16<UInt8>.MaskStorage> {
            (bytes .< bounds) .| (bytes .== ones) .| (bytes .== others)
        }
        var index = offset
        while index &+ 64 <= count {
            let low = found(vector(at: index)) .| found(vector(at: index &+ 16))
            let high = found(vector(at: index &+ 32)) .| found(vector(at: index &+ 48))
            let words = Self.words(low .| high)
            guard words[0] | words[1] == 0 else { break }
            index &+= 64
        }
        return index
    }

    /// Where a byte first stands at or after `offset`.
    @inlinable
    @inline(__always)
    public func firstIndex(of byte: UInt8, from offset: Int = 0) -> Int? {
        let each = SIMD16<UInt8>(repeating: byte)
        var index = offset
        while index &+ 16 <= count {
            let found = Self.words(vector(at: index) .== each)
            if found[0] | found[1] != 0 { return index &+ Self.firstIndex(in: found) }
            index &+= 16
        }
        if index &+ 8 <= count {
            let ones: UInt64 = 0x0101_0101_0101_0101
            let difference = word(at: index) ^ ones &* UInt64(byte)
            // A byte less one has its high bit where it was zero. A borrow may mark bytes above a
            // true match, never below: the lowest mark is right.
            let found = (difference &- ones) & ~difference & (ones &* 0x80)
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if self[index] == byte { return index }
            index &+= 1
        }
        return nil
    }

    /// Where a byte first stands at or after `offset` with one of four others right behind it; nil
    /// where it does not.
    public func firstIndex(
        of byte: UInt8, before others: InlineArray<4, UInt8>, from offset: Int = 0
    ) -> Int? {
        let each = SIMD16<UInt8>(repeating: byte)
        let (first, second) = (SIMD16(repeating: others[0]), SIMD16(repeating: others[1]))
        let (third, fourth) = (SIMD16(repeating: others[2]), SIMD16(repeating: others[3]))
        var index = offset
        while index &+ 17 <= count {
            let next = vector(at: index &+ 1)
            let isOther =
                (next .== first) .| (next .== second) .| (next .== third) .| (next .== fourth)
            let found = Self.words((vector(at: index) .== each) .& isOther)
            if found[0] | found[1] != 0 { return index &+ Self.firstIndex(in: found) }
            index &+= 16
        }
        while index &+ 1 < count {
            let next = self[index &+ 1]
            if self[index] == byte {
                for each in others.indices where others[each] == next { return index }
            }
            index &+= 1
        }
        return nil
    }

    /// Where the first decimal digit stands at or after `offset`; `count` if there is none.
    public func firstDigit(from offset: Int = 0) -> Int {
        let zeros = SIMD16<UInt8>(repeating: 0x30)
        let tens = SIMD16<UInt8>(repeating: 10)
        var index = offset
        while index &+ 16 <= count {
            let found = Self.words((vector(at: index) &- zeros) .< tens)
            if found[0] | found[1] != 0 { return index &+ Self.firstIndex(in: found) }
            index &+= 16
        }
        while index < count {
            if self[index] &- 0x30 < 10 { return index }
            index &+= 1
        }
        return count
    }

    /// Sixteen bytes; the caller has checked the range.
    @inlinable
    @inline(__always)
    func vector(at index: Int) -> SIMD16<UInt8> {
        unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: index, as: SIMD16<UInt8>.self)
    }

    /// A vector's mask as two numbers, of which each true lane is a byte of ones.
    @inlinable
    @inline(__always)
    static func words(_ mask: SIMDMask<SIMD16<UInt8>.MaskStorage>) -> SIMD2<UInt64> {
        unsafe unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    }

    /// The first lane of a mask, one of which is true.
    @inlinable
    @inline(__always)
    static func firstIndex(in words: SIMD2<UInt64>) -> Int {
        let (low, high) = (UInt64(littleEndian: words[0]), UInt64(littleEndian: words[1]))
        return low != 0 ? low.trailingZeroBitCount / 8 : 8 + high.trailingZeroBitCount / 8
    }
}

extension Span where Element == UInt8 {
    /// Eight bytes as a number, the first of them lowest; the caller has checked the range.
    @inlinable
    func word(at index: Int) -> UInt64 {
        UInt64(
            littleEndian: unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: index, as: UInt64.self))
    }
}

extension Span where Element == UInt8 {
    /// Whether the bytes at an offset are those of a literal.
    @inlinable
    public func has(_ literal: StaticString, at offset: Int) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard offset + length <= count else { return false }
        return extracting(offset..<offset + length).matches(literal)
    }

    /// Where a literal first stands at or after `offset`; nil where it does not.
    public func firstRange(of literal: StaticString, from offset: Int = 0) -> Range<Int>? {
        let length = literal.utf8CodeUnitCount
        guard length > 0 else { return nil }
        let first = unsafe literal.utf8Start[0]
        var index = offset
        while let start = firstIndex(of: first, from: index), start + length <= count {
            if has(literal, at: start) { return start..<start + length }
            index = start + 1
        }
        return nil
    }

    /// Whether other bytes stand in these, one after the other.
    public func contains(_ other: Span<UInt8>) -> Bool { count(of: other, atMost: 1) > 0 }

    /// How often other bytes stand in these, one after the other.
    public func count(of other: Span<UInt8>, atMost most: Int = .max) -> Int {
        guard other.count > 0, other.count <= count else { return 0 }
        let first = other[0]
        var (index, found) = (0, 0)
        while found < most, let start = firstIndex(of: first, from: index),
            start + other.count <= count
        {
            let isThere = extracting(start..<start + other.count).equals(other)
            found += isThere ? 1 : 0
            index = start + (isThere ? other.count : 1)
        }
        return found
    }

    /// Where the first eight bytes begin, or the single byte at the end, that hold one of six ASCII
    /// bytes or one that is not ASCII; `count` where none do.
    ///
    /// Cheaper than to look for each: for values that mostly hold none.
    @inlinable
    public func firstIndex(near marks: InlineArray<6, UInt8>) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = 0
        while index + 8 <= count {
            // The range was checked just now.
            let word = UInt64(
                littleEndian: unsafe bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: index, as: UInt64.self))
            // A byte less one has its high bit where it was zero: a mark.
            var found: UInt64 = 0
            for mark in marks.indices { found |= (word ^ ones &* UInt64(marks[mark])) &- ones }
            if found & (ones &* 0x80) != 0 { return index }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte >= 0x80 { return index }
            for mark in marks.indices where marks[mark] == byte { return index }
            index += 1
        }
        return count
    }
}
