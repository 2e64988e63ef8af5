import CJournal
import Primitives

/// Reads the frames of a journal in order.
///
/// It trusts no byte: bytes that are no whole frame are skipped up to the next frame, and counted.
/// No content of a file makes it stop or read beyond what was written.
@safe
public struct JournalReader: ~Copyable {
    /// Bytes that may be checked in vain at the beginning of a damaged run, and for each byte of it
    /// that is skipped: lengths that were forged would have all of the ring checked at each step.
    private static let allowanceMin = 4 << 20
    private static let allowancePerByte = 16
    /// Longer pieces of bodies are not checked in a ring that this process writes itself.
    private static let checkedBytesMax = 4096

    private let file: JournalFile
    private let content: ContentRing?
    private let isOwn: Bool
    /// Where the next frame begins.
    public private(set) var cursor: UInt64
    /// Runs of bytes that were no frames.
    public private(set) var damageCount = 0
    /// Bytes that may still be checked in vain in the damaged run that is being read.
    private var allowance = allowanceMin
    /// Bytes that were checked in vain.
    private(set) var vainBytes = 0

    /// A reader that goes on from a cursor: what the reader before it was done with, or later.
    ///
    /// `again`: it reads what another has read; pieces that are in no file are gone by then.
    /// `isOwn`: this process writes the ring, and no disk stands between. Long pieces of bodies are
    /// not checked here then; who keeps them takes over their checksum.
    public init(
        _ file: JournalFile, from cursor: UInt64? = nil, again: Bool = false, isOwn: Bool = false
    ) {
        self.file = file
        self.isOwn = isOwn
        content = again ? nil : file.content
        let written = file.writeCursor
        let oldest = max(file.readCursor, written - min(written, UInt64(file.capacity)))
        self.cursor = min(max(cursor ?? oldest, oldest), written)
    }

    /// Whether nothing is left of what was written so far.
    public var isAtEnd: Bool { cursor >= file.writeCursor }

    /// Lends the frames written so far, one after the other, until the closure has had enough.
    ///
    /// The closure returns whether to go on after its frame. What it was lent is overwritten once
    /// ``JournalFile/release(upTo:)`` has passed it.
    public mutating func read(_ body: (borrowing Frame) -> Bool) {
        let written = file.writeCursor
        guard cursor < written else { return }
        var isDamaged = false
        while cursor < written {
            let start = unsafe UnsafeRawPointer(file.address(cursor))
            let available = Int(min(written - cursor, UInt64(file.capacity)))
            let seed = file.checksumSeed(at: cursor)
            let room = isDamaged ? min(available, max(0, allowance)) : available
            var checked = 0
            // Behind damage bytes of a body may have the look of a frame.
            let uncheckedMin = isOwn && !isDamaged ? Self.checkedBytesMax + 1 : Int.max
            let found = unsafe FrameHeader(
                at: start, available: room, seed: seed, uncheckedMin: uncheckedMin,
                checked: &checked)
            guard let header = found else {
                vainBytes += checked
                if !isDamaged { allowance = Self.allowanceMin }
                allowance += 8 * Self.allowancePerByte - checked
                // Frames begin at multiples of eight bytes.
                if !isDamaged { damageCount += 1 }
                isDamaged = true
                cursor = min(written, cursor + 8)
                continue
            }
            isDamaged = false
            let position = cursor
            cursor += UInt64(FrameHeader.footprint(Int(header.length)))
            let bytes = unsafe UnsafeRawBufferPointer(
                start: start + FrameHeader.bytes, count: Int(header.length)
            )
            let payload = unsafe Span<UInt8>(_unsafeBytes: bytes)
            guard lend(header, position, payload, body) else { return }
        }
        // A last frame's padding may end beyond what a damaged length left.
        cursor = min(cursor, written)
    }

    private func lend(
        _ header: FrameHeader, _ position: UInt64, _ payload: Span<UInt8>,
        _ body: (borrowing Frame) -> Bool
    ) -> Bool {
        guard header.kind.isAside else {
            return body(Frame(header, position: position, payload: payload))
        }
        let run = ContentRing.Run(payload)
        // A process that took over, or took back, meets pieces that another has read.
        guard let content, !content.isReleased(run) else {
            return body(
                Frame(header, position: position, payload: Span(), missingBytes: run.count))
        }
        var goesOn = true
        content.read(run) { piece in
            goesOn = body(Frame(header, position: position, payload: piece))
        }
        content.release(run)
        return goesOn
    }
}

extension ContentRing.Run {
    /// The run that the payload of a frame names.
    init(_ payload: Span<UInt8>) {
        var reader = PayloadReader(payload)
        start = reader.number(bytes: 8)
        count = Int(min(reader.number(bytes: 8), 1 << 40))
    }
}
