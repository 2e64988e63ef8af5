/// ASCII questions about bytes, without making strings of them.
extension Span where Element == UInt8 {
    /// Whether the bytes are exactly those of a literal.
    @inlinable
    public func matches(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        // Read once: each access checks that the string is a literal.
        return unsafe equals(UnsafeRawPointer(literal.utf8Start))
    }

    /// Whether the bytes are those at an address, at which there are as many.
    ///
    /// Eight at a time, the last eight once more where they are no multiple.
    @inlinable
    @unsafe
    func equals(_ other: UnsafeRawPointer) -> Bool {
        guard count >= 8 else {
            for index in 0..<count {
                let byte = unsafe other.load(fromByteOffset: index, as: UInt8.self)
                if self[index] != byte { return false }
            }
            return true
        }
        let last = count &- 8
        var index = 0
        while index < last {
            let word = unsafe other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            guard self.word(at: index) == UInt64(littleEndian: word) else { return false }
            index &+= 8
        }
        let word = unsafe other.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        return self.word(at: last) == UInt64(littleEndian: word)
    }

    /// Whether the bytes are those of a literal in lower case, in any case of theirs.
    @inlinable
    public func matchesIgnoringCase(_ lowercase: StaticString) -> Bool {
        guard count == lowercase.utf8CodeUnitCount else { return false }
        let start = unsafe lowercase.utf8Start
        for index in 0..<count where unsafe self[index].lowercased != start[index] {
            return false
        }
        return true
    }

    /// Whether the bytes end with those of a literal.
    public func hasSuffix(_ literal: StaticString) -> Bool {
        guard count >= literal.utf8CodeUnitCount else { return false }
        return extracting(count - literal.utf8CodeUnitCount..<count).matches(literal)
    }

    /// Whether the bytes begin with those of a literal.
    @inlinable
    public func hasPrefix(_ literal: StaticString) -> Bool {
        guard count >= literal.utf8CodeUnitCount else { return false }
        return extracting(0..<literal.utf8CodeUnitCount).matches(literal)
    }

    /// Whether the first byte is the first of a literal.
    @inlinable
    public func beginsLike(_ literal: StaticString) -> Bool {
        guard count > 0, literal.utf8CodeUnitCount > 0 else { return false }
        return unsafe self[0] == literal.utf8Start[0]
    }

    /// Whether two runs of bytes are the same.
    @inlinable
    public func equals(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe other.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return unsafe equals(start)
        }
    }

    /// Whether two runs of bytes are the same, letters compared without case.
    public func equalsIgnoringCase(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index].lowercased != other[index].lowercased {
            return false
        }
        return true
    }

    /// The bytes without spaces and tabs at either end.
    public var trimmed: Span<UInt8> {
        @_lifetime(copy self)
        get {
            var lower = 0
            var upper = count
            while lower < upper, self[lower] == 0x20 || self[lower] == 0x09 { lower += 1 }
            while upper > lower, self[upper - 1] == 0x20 || self[upper - 1] == 0x09 { upper -= 1 }
            return extracting(lower..<upper)
        }
    }

    /// A number written in decimal digits alone; nil when it is anything else or too large.
    public var decimal: Int? {
        guard count > 0, count <= 18 else { return nil }
        var value = 0
        for index in 0..<count {
            let byte = self[index]
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }

    /// The bytes as text, invalid UTF-8 replaced.
    public var text: String {
        unsafe withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension UInt8 {
    /// An ASCII letter in lower case; any other byte as it is.
    @inlinable
    public var lowercased: UInt8 {
        self >= 0x41 && self <= 0x5A ? self | 0x20 : self
    }

    /// The value of a hexadecimal digit; nil for any other byte.
    public var hexadecimalDigit: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }
}
