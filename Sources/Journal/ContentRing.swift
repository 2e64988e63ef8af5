import Glibc
import Primitives
import Reactor
import Synchronization

// DESIGN
//
// Pieces of bodies that are not to be kept are still needed for a moment: usage and the end of an
// answer are read off them. They go to the reader through memory that no file stands behind, and
// that core dumps leave out. The journal holds a reference instead of each piece, so that frames
// keep their order; what a reference stands for is gone with the process.

/// Anonymous memory beside a worker's journal, through which pieces of bodies reach its reader.
///
/// The writer puts a piece down, then writes the frame that refers to it; the reader gives the room
/// back once it has read that frame.
@safe
final class ContentRing: @unchecked Sendable {
    // Unchecked, because what is shared is memory: the writer writes what the reader has released,
    // and the reader reads what the journal's cursor has published.

    let capacity: Int
    private let memory: UnsafeMutableRawPointer
    private let releasedCursor = Atomic<UInt64>(0)

    init(capacity: Int) throws(SystemError) {
        self.capacity = capacity
        guard
            let memory = unsafe mmap(
                nil, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                -1, 0),
            unsafe memory != MAP_FAILED
        else { throw SystemError(call: "mmap") }
        unsafe self.memory = unsafe memory
        unsafe madvise(memory, capacity, Int32(MADV_DONTDUMP))
    }

    deinit {
        unsafe munmap(memory, capacity)
    }

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
        let released = releasedCursor.load(ordering: .acquiring)
        return run.end - released <= UInt64(capacity) ? run : nil
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
        releasedCursor.store(run.end, ordering: .releasing)
    }
}
