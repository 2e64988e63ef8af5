import CJournal
import Glibc
import Primitives
import Reactor

// DESIGN
//
// Pieces of bodies that are not to be kept are still needed for a moment: usage and the end of an
// answer are read off them. They go to the reader through memory that no file stands behind, and
// that core dumps leave out. The journal holds a reference instead of each piece, so that frames
// keep their order; what a reference stands for is gone with the process. The memory has a
// descriptor, because a process that takes over reads what this one goes on writing.

/// Anonymous memory beside a worker's journal, through which pieces of bodies reach its reader.
///
/// The writer puts a piece down, then writes the frame that refers to it; the reader gives the room
/// back once it has read that frame.
@safe
final class ContentRing: @unchecked Sendable {
    // Unchecked, because what is shared is memory: the writer writes what the reader has released,
    // and the reader reads what the journal's cursor has published.

    /// Bytes before the ring, which hold the reader's cursor.
    private static let headBytes = JournalFile.headBytes

    let capacity: Int
    /// What another process gets to read from the ring.
    let descriptor: Int32
    private let head: UnsafeMutableRawPointer
    private let memory: UnsafeMutableRawPointer

    convenience init(capacity: Int) throws(SystemError) {
        try self.init(
            sharing: try SharedMemory.make("weir-content", bytes: Self.headBytes + capacity))
    }

    /// The ring that another process has made, or this one; the descriptor is its own from here.
    init(sharing descriptor: Int32) throws(SystemError) {
        var status = stat()
        let isKnown = unsafe fstat(descriptor, &status) == 0
        let bytes = Int(status.st_size)
        guard isKnown, bytes > Self.headBytes,
            let head = unsafe mmap(
                nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0),
            unsafe head != MAP_FAILED
        else {
            let error = SystemError(call: "mmap", code: isKnown ? ENOMEM : EBADF)
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        capacity = bytes - Self.headBytes
        unsafe self.head = unsafe head
        unsafe memory = unsafe head + Self.headBytes
        unsafe madvise(head, bytes, Int32(MADV_DONTDUMP))
    }

    deinit {
        unsafe munmap(head, Self.headBytes + capacity)
        close(descriptor)
    }

    private var releasedCursor: UInt64 { unsafe cjournal_load(head) }

    /// Whether a reader has given the room of a piece back, so that the piece is gone.
    func isReleased(_ run: Run) -> Bool { run.start < releasedCursor }

    /// Where a piece stands that ends where the writer's cursor is then.
    struct Run {
        var start: UInt64
        var count: Int

        var end: UInt64 { start + UInt64(count) }
    }

    /// The location of a piece of so many bytes, in one run; nil where there is no room.
    func run(after cursor: UInt64, count: Int) -> Run? {
        guard count <= capacity else { return nil }
        let offset = Int(cursor % UInt64(capacity))
        let start = offset + count > capacity ? cursor + UInt64(capacity - offset) : cursor
        let run = Run(start: start, count: count)
        return run.end - releasedCursor <= UInt64(capacity) ? run : nil
    }

    /// Puts a piece down.
    func write(_ piece: Span<UInt8>, at run: Run) {
        unsafe piece.withUnsafeBytes { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe memcpy(memory + Int(run.start % UInt64(capacity)), source, bytes.count)
        }
    }

    /// Lends a piece.
    func read(_ run: Run, _ body: (Span<UInt8>) -> Void) {
        let offset = Int(run.start % UInt64(capacity))
        guard run.count >= 0, offset + run.count <= capacity else { return body(Span()) }
        let bytes = unsafe UnsafeRawBufferPointer(start: memory + offset, count: run.count)
        unsafe body(Span<UInt8>(_unsafeBytes: bytes))
    }

    /// Gives the room up to a cursor back, its bytes wiped.
    ///
    /// Only by the reader.
    func release(_ run: Run) {
        let offset = Int(run.start % UInt64(capacity))
        guard run.count >= 0, offset + run.count <= capacity else { return }
        unsafe memset(memory + offset, 0, run.count)
        unsafe cjournal_store(head, run.end)
    }
}
