extension Span where Element == UInt8 {
    /// Where the first byte at or after `offset` stands that is below `bound` or is one of two
    /// others; `count` if there is none.
    ///
    /// Sixteen bytes at a time, because heads and events are walked over on every call. `bound` is
    /// at most 0x80, and the others are ASCII.
    @inlinable
    public func firstIndex(
        below bound: UInt8, or one: UInt8, or other: UInt8, from offset: Int = 0
    ) -> Int {
        precondition(bound <= 0x80, "above that the arithmetic does not hold")
        precondition(one | other < 0x80, "above that the arithmetic does not hold")
        let ones: UInt64 = 0x0101_0101_0101_0101
        let bounds = ones &* UInt64(bound)
        let eachOne = ones &* UInt64(one)
        let eachOther = ones &* UInt64(other)
        // A byte less one has its high bit where it was zero. Bytes that are not ASCII have it
        // from the beginning, and are none of these. A borrow may mark bytes above a true match,
        // never below: the lowest mark is right.
        func marks(_ word: UInt64) -> UInt64 {
            ((word &- bounds) | ((word ^ eachOne) &- ones) | ((word ^ eachOther) &- ones)) & ~word
        }
        var index = offset
        while index + 16 <= count {
            let low = marks(word(at: index))
            let high = marks(word(at: index + 8))
            if (low | high) & (ones &* 0x80) != 0 {
                let found = low & (ones &* 0x80)
                if found != 0 { return index + found.trailingZeroBitCount / 8 }
                return index + 8 + (high & (ones &* 0x80)).trailingZeroBitCount / 8
            }
            index += 16
        }
        if index + 8 <= count {
            let found = marks(word(at: index)) & (ones &* 0x80)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte < bound || byte == one || byte == other { return index }
            index += 1
        }
        return count
    }

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
