import Primitives

@testable import Journal
@testable import LogStore

/// Frames of a journal in any order and with anything in them, as a crash, a fault of ours or
/// another version may leave them: what reads them ends every record it begins.
///
/// A frame is five bytes of its fixed part, two of its length, and its payload.
enum RecordFuzz {
    static func run(_ input: FuzzInput) {
        let assembly = Assembly(
            journal: "journal", exchange: 1, time: Instant(nanoseconds: 0),
            capture: Capture(bytesMax: 64))
        var offset = 0
        var time: Int64 = 0
        while offset + 7 <= input.bytes.count {
            let fixed = input.bytes[offset..<offset + 7]
            let start = offset + 7
            let length = Int(fixed[offset + 5]) << 8 | Int(fixed[offset + 6])
            let end = min(input.bytes.count, start + length)
            offset = end
            guard let kind = FrameKind(rawValue: fixed[fixed.startIndex] % 9) else { continue }
            // Clocks that jump, back too, and to the ends of what a number holds.
            time = fixed[fixed.startIndex + 4] == 255 ? .max : time &* 31 &- Int64(start)
            let header = FrameHeader(
                length: UInt32(end - start), kind: kind, attempt: fixed[fixed.startIndex + 1],
                detail: UInt32(fixed[fixed.startIndex + 2]) << 4, exchange: 1, time: time)
            let payload = input.bytes.span.extracting(start..<end)
            if assembly.take(Frame(header, position: UInt64(start), payload: payload)) { break }
        }
        let record = assembly.interrupted(at: Instant(nanoseconds: time))
        var rollup = Rollup()
        rollup.add(record)
        _ = AttemptList.value(record.attempts)
    }
}
