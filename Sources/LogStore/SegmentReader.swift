import Codings
import Primitives
import Synchronization

/// Reads what records keep out of segments.
///
/// It trusts no byte of a file: what is not what was written is named, and costs no more than what
/// lies in the same entry, or behind it in the same frame.
final class SegmentReader: Sendable {
    /// The frame that was unpacked last: its neighbours are asked for next.
    private struct Unpacked: Sendable {
        var segment: UInt64
        var frame: SegmentDirectory.Frame
        var bytes: [UInt8]
    }

    private let folder: SegmentFolder
    private let last = Mutex<Unpacked?>(nil)
    /// The frame that a record was read from last.
    private let touched = Mutex<(segment: UInt64, offset: Int)>((0, 0))

    init(_ folder: SegmentFolder) {
        self.folder = folder
    }

    /// Lends what each entry of a record holds; what cannot be read is returned.
    func read(
        _ pointer: ContentPointer, _ identifier: Identifier,
        _ take: (Segment.Kind, Span<UInt8>) -> Void
    ) -> [ContentFault] {
        guard pointer.segment > 0 else { return [] }
        let range = pointer.offset..<pointer.offset + pointer.footprint
        var bytes: [UInt8]
        var packed: SegmentFile?
        do throws(SegmentFile.Fault) {
            let path = folder.path(of: pointer.segment)
            let file = try SegmentFile(path, number: pointer.segment)
            if file.head.isPacked { packed = file }
            bytes =
                file.head.isPacked
                ? unpack(range, of: file) : plain(range, of: file)
        } catch {
            if error == .gone {
                return [
                    ContentFault(
                        reason: .gone, segment: pointer.segment, offset: pointer.offset, part: "")
                ]
            }
            bytes = []
        }
        // Only then what restores it is looked at: to do so all of the file is read.
        if let packed, !Self.isWhole(pointer, identifier, bytes),
            packed.restore().contains(where: { $0.restored != nil })
        {
            last.withLock { $0 = nil }
            bytes = unpack(range, of: packed)
        }
        return Self.entries(of: pointer, identifier, in: bytes, take)
    }

    /// The frames of an open exchange; none where they cannot be read.
    func frames(_ pointer: FramesPointer) -> [UInt8] {
        // What a damaged index says is bounded by what is there.
        let count = min(max(0, pointer.count), RecordDetails.Sizes.limit)
        let offset = min(max(Segment.headBytes, pointer.offset), RecordDetails.Sizes.limit)
        let range = offset..<offset + Segment.footprint(count)
        let path = folder.path(of: pointer.segment)
        guard let file = try? SegmentFile(path, number: pointer.segment) else { return [] }
        func content(_ bytes: [UInt8]) -> [UInt8]? {
            Segment.content(
                of: bytes.span, .openFrames, length: count, pointer.identifier,
                segment: pointer.segment, offset: offset
            ).map { Array(bytes[$0]) }
        }
        guard file.head.isPacked else { return content(plain(range, of: file)) ?? [] }
        if let whole = content(unpack(range, of: file)) { return whole }
        guard file.restore().contains(where: { $0.restored != nil }) else { return [] }
        last.withLock { $0 = nil }
        return content(unpack(range, of: file)) ?? []
    }

    private static func isWhole(
        _ pointer: ContentPointer, _ identifier: Identifier, _ bytes: [UInt8]
    ) -> Bool {
        entries(of: pointer, identifier, in: bytes) { _, _ in }.isEmpty
    }

    private static func entries(
        of pointer: ContentPointer, _ identifier: Identifier, in bytes: [UInt8],
        _ take: (Segment.Kind, Span<UInt8>) -> Void
    ) -> [ContentFault] {
        let bytes = bytes.span
        var faults: [ContentFault] = []
        var start = 0
        for (index, kind) in Segment.Kind.ofRecord.enumerated() {
            let length = pointer.lengths[index]
            guard length > 0 else { continue }
            let entry = bytes.extracting(min(start, bytes.count)..<bytes.count)
            let offset = pointer.offset + start
            let content = Segment.content(
                of: entry, kind, length: length, identifier, segment: pointer.segment,
                offset: offset)
            if let content {
                take(kind, entry.extracting(content))
            } else {
                faults.append(
                    ContentFault(
                        reason: .damaged, segment: pointer.segment, offset: offset,
                        part: kind.name))
            }
            start += Segment.footprint(length)
        }
        return faults
    }

    private func plain(_ range: Range<Int>, of file: SegmentFile) -> [UInt8] {
        // Who reads what is new needs no old frame soon, and it is large.
        last.withLock { $0 = nil }
        return file.read(range)
    }

    private func unpack(_ range: Range<Int>, of file: SegmentFile) -> [UInt8] {
        let number = file.head.number
        if let bytes = last.withLock({ Self.bytes(range, of: number, in: $0) }) { return bytes }
        var parts: [(range: Range<Int>, bytes: ArraySlice<UInt8>)] = []
        for frame in SegmentDirectory(of: file).frames {
            let own = frame.parts(of: range)
            guard !own.isEmpty else { continue }
            // One record alone needs no more of the frame than what is before its end.
            let isFirst = !isTouched(frame, of: number)
            let end = own.map { $0.offset + $0.range.count }.max() ?? 0
            let count = isFirst ? end : frame.count
            var content = ZstdFrame.unpack(
                file.read(frame.offset..<frame.offset + frame.packedCount).span, count: count)
            // Of a frame that is damaged the rest is unknown, and what follows keeps its offset.
            content.append(contentsOf: repeatElement(0, count: count - content.count))
            for part in own {
                parts.append((part.range, content[part.offset..<part.offset + part.range.count]))
            }
            if isFirst { continue }
            let unpacked = Unpacked(segment: number, frame: frame, bytes: content)
            last.withLock { $0 = unpacked }
        }
        var result: [UInt8] = []
        for part in parts.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
            let start = part.range.lowerBound - range.lowerBound
            // Where frames are damaged two may say that they have the same.
            guard start >= result.count else { continue }
            result.append(contentsOf: repeatElement(0, count: start - result.count))
            result.append(contentsOf: part.bytes)
        }
        return result
    }

    /// Whether the last record that was read is in the frame, too; it is the last one then.
    private func isTouched(_ frame: SegmentDirectory.Frame, of segment: UInt64) -> Bool {
        touched.withLock { touched in
            defer { touched = (segment, frame.offset) }
            return touched == (segment, frame.offset)
        }
    }

    private static func bytes(
        _ range: Range<Int>, of segment: UInt64, in unpacked: Unpacked?
    ) -> [UInt8]? {
        guard let unpacked, unpacked.segment == segment,
            let part = unpacked.frame.parts(of: range).first, part.range == range
        else { return nil }
        return Array(unpacked.bytes[part.offset..<part.offset + range.count])
    }
}
