import Primitives

/// A record's attempts, as its row has them.
///
/// How many, and of each:
///
///   flags · vendor · model · begin · (head) · (failure's time) · status · failure · code · reason
///   · (translation)
///
/// Names are two times their number, or, in the text itself, two times its length and one more.
enum PackedAttempts {
    private static let isFresh: UInt64 = 1
    private static let wasSent: UInt64 = 2
    private static let hasHead: UInt64 = 4
    private static let hasFailed: UInt64 = 8
    private static let isTranslated: UInt64 = 16
    private static let countMax = 255

    /// Slots of names, beyond the numbers of columns.
    private static let vendorSlot = 61
    private static let modelSlot = 62
    private static let failureSlot = 63

    static func write(
        _ attempts: [Record.Attempt], day: Int, _ names: inout NameWriter,
        to buffer: inout ByteBuffer
    ) throws {
        let count = min(attempts.count, countMax)
        buffer.append(varint: UInt64(count))
        for index in 0..<count {
            let attempt = attempts[index]
            var flags: UInt64 = 0
            if attempt.isFresh { flags |= isFresh }
            if attempt.wasSent { flags |= wasSent }
            if attempt.headMicroseconds != nil { flags |= hasHead }
            if attempt.failedMicroseconds != nil { flags |= hasFailed }
            if !attempt.translation.isEmpty { flags |= isTranslated }
            buffer.append(varint: flags)
            try append(attempt.vendor, day, vendorSlot, &names, to: &buffer)
            try append(attempt.model, day, modelSlot, &names, to: &buffer)
            buffer.append(zigzag: attempt.beganMicroseconds)
            if let head = attempt.headMicroseconds { buffer.append(zigzag: head) }
            if let failed = attempt.failedMicroseconds { buffer.append(zigzag: failed) }
            buffer.append(zigzag: attempt.status)
            try append(attempt.failure, day, failureSlot, &names, to: &buffer)
            buffer.append(zigzag: attempt.curlCode)
            buffer.append(varint: UInt64(attempt.reason.utf8.count))
            buffer.append(text: attempt.reason)
            guard flags & isTranslated > 0 else { continue }
            buffer.append(varint: UInt64(attempt.translation.utf8.count))
            buffer.append(text: attempt.translation)
        }
    }

    private static func append(
        _ text: String, _ day: Int, _ slot: Int, _ names: inout NameWriter,
        to buffer: inout ByteBuffer
    ) throws {
        if let number = try names.number(of: text, day: day, slot: slot) {
            buffer.append(varint: UInt64(clamping: number) << 1)
        } else {
            buffer.append(varint: UInt64(text.utf8.count) << 1 | 1)
            buffer.append(text: text)
        }
    }

    /// The attempts; of damaged bytes those before the first that means nothing.
    static func read(
        _ bytes: Span<UInt8>, _ name: (Int64) throws -> String
    ) rethrows -> [Record.Attempt] {
        var reader = VarintReader(bytes)
        let count = reader.size(atMost: countMax)
        var attempts: [Record.Attempt] = []
        for _ in 0..<count {
            var attempt = Record.Attempt()
            let flags = reader.number()
            attempt.isFresh = flags & isFresh > 0
            attempt.wasSent = flags & wasSent > 0
            attempt.vendor = try text(&reader, name)
            attempt.model = try text(&reader, name)
            attempt.beganMicroseconds = reader.zigzag()
            if flags & hasHead > 0 { attempt.headMicroseconds = reader.zigzag() }
            if flags & hasFailed > 0 { attempt.failedMicroseconds = reader.zigzag() }
            attempt.status = reader.zigzag()
            attempt.failure = try text(&reader, name)
            attempt.curlCode = reader.zigzag()
            attempt.reason = reader.run(reader.number()).text
            if flags & isTranslated > 0 {
                attempt.translation = reader.run(reader.number()).text
            }
            guard !reader.isShort else { break }
            attempts.append(attempt)
        }
        return attempts
    }

    private static func text(
        _ reader: inout VarintReader, _ name: (Int64) throws -> String
    ) rethrows -> String {
        let reference = reader.number()
        guard !reader.isShort else { return "" }
        return reference & 1 == 0
            ? try name(Int64(clamping: reference >> 1)) : reader.run(reference >> 1).text
    }
}
