import Glibc

/// Names one exchange: 48 bits of wall-clock milliseconds, then 80 random ones, written as the 26
/// characters of a ULID, so that names sort by time and two machines never agree on one.
public struct Identifier: Hashable, Sendable, CustomStringConvertible {
    /// Characters of the written form.
    public static let length = 26

    /// The time, and the first of the random bits.
    public let high: UInt64
    /// The other random bits.
    public let low: UInt64

    /// An identifier from its 128 bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Draws a new identifier.
    public static func next(
        using generator: inout some RandomNumberGenerator,
        milliseconds: UInt64 = wallClockMilliseconds()
    ) -> Identifier {
        let random = generator.next()
        return Identifier(
            high: milliseconds << 16 | random & 0xFFFF,
            low: generator.next()
        )
    }

    /// Milliseconds since 1970.
    public static func wallClockMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
    }

    /// Appends the written form.
    public func write(to buffer: inout ByteBuffer) {
        unsafe buffer.fill(room: Self.length) { space in
            for index in 0..<Self.length { unsafe space[index] = character(index) }
            return (Self.length, ())
        }
    }

    /// The written form.
    public var description: String {
        unsafe String(unsafeUninitializedCapacity: Self.length) { space in
            for index in 0..<Self.length { unsafe space[index] = character(index) }
            return Self.length
        }
    }

    /// The identifier of a written form; nil where it is none.
    public init?(_ text: String) {
        guard text.utf8.count == Self.length else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in text.utf8 {
            let upper = byte >= 0x61 && byte <= 0x7A ? byte & 0xDF : byte
            // 26 characters hold two bits more than 128.
            guard let digit = Self.alphabet.firstIndex(of: upper), high >> 59 == 0 else {
                return nil
            }
            high = high << 5 | low >> 59
            low = low << 5 | UInt64(digit)
        }
        self.init(high: high, low: low)
    }

    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    private static var letters: StaticString { "0123456789ABCDEFGHJKMNPQRSTVWXYZ" }

    /// The `index`th of 26 characters of Crockford's alphabet, 5 bits each, most significant first.
    private func character(_ index: Int) -> UInt8 {
        let shift = 5 * (Self.length - 1 - index)
        let value =
            shift >= 64
            ? high >> (shift - 64)
            : low >> shift | (shift > 59 ? high << (64 - shift) : 0)
        return unsafe Self.letters.utf8Start[Int(value & 31)]
    }
}

/// A small generator for identifiers and probes: fast, one per thread, seeded by the system's.
public struct RandomSource: RandomNumberGenerator {
    private var state: UInt64

    /// A generator seeded from the system's.
    public init() {
        state = UInt64.random(in: .min ... .max)
    }

    /// A generator that repeats itself, for tests.
    public init(seed: UInt64) {
        state = seed
    }

    /// The next 64 bits (SplitMix64).
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
