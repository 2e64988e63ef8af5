import Codings
import Glibc
import Primitives
import Reactor

/// A packed segment while it is written, under a name of its own: it replaces another as a
/// whole, or goes.
@safe
final class SegmentDraft {
    /// Why a frame was not written, where no call failed.
    enum Refusal: Error {
        /// There is no memory for it.
        case noMemory
    }

    private let folder: SegmentFolder
    private let disk: SegmentDisk
    private let replaced: SegmentFile
    private let path: String
    private let descriptor: Int32
    private let room: UnsafeMutableRawBufferPointer
    private var directory = SegmentDirectory()
    private var offset = Segment.headBytes
    private var isAdopted = false

    /// Begins one that is to replace a segment, which must be held.
    init(
        replacing file: SegmentFile, in folder: SegmentFolder, _ disk: SegmentDisk
    ) throws(SystemError) {
        self.folder = folder
        self.disk = disk
        replaced = file
        path = folder.draftPath(of: file.head.number)
        // One that a death left behind is no use.
        unsafe unlink(path)
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        // Given back as a whole; the allocator would keep it.
        let count = ZstdFrame.bound(ZstdFrame.contentBytesMax)
        let memory = unsafe mmap(
            nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw SystemError(call: "mmap")
        }
        unsafe room = UnsafeMutableRawBufferPointer(start: memory, count: count)
        descriptor = unsafe open(path, flags, 0o600)
        // The object is whole by now: its end gives back what it has, though this throws.
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        let head = Segment.Head(
            number: file.head.number, isPacked: true, madeAt: file.head.madeAt)
        try SegmentPlan(head).write(to: descriptor, disk)
    }

    deinit {
        unsafe munmap(room.baseAddress, room.count)
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isAdopted { unsafe unlink(path) }
    }

    /// Packs bytes into the next frame.
    @unsafe
    func pack(_ content: UnsafeRawBufferPointer) throws {
        guard let count = unsafe ZstdFrame.pack(content, into: room) else {
            throw Refusal.noMemory
        }
        try unsafe append(UnsafeRawBufferPointer(rebasing: room[..<count]))
        directory.add(count: content.count, packedCount: count)
    }

    /// Takes a frame over as it is.
    func add(_ packed: Span<UInt8>, count: Int) throws(SystemError) {
        try unsafe packed.withUnsafeBytes { bytes throws(SystemError) in try unsafe append(bytes) }
        directory.add(count: count, packedCount: packed.count)
    }

    private func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var vectors = unsafe [
            iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                iov_len: bytes.count)
        ]
        try unsafe disk.writeAll(&vectors, to: descriptor, at: offset)
        offset += bytes.count
    }

    /// Replaces the other by it, when all of it is on the disk; its bytes.
    ///
    /// At every moment one of the two is there, and both have each entry at the same offset. Where
    /// the other has gone meanwhile there is neither.
    func adopt() throws(SystemError) -> Int {
        let list = directory.bytes
        try unsafe list.bytes.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe append(bytes)
        }
        let code = disk.sync(descriptor)
        guard code == 0 else { throw SystemError(call: "fdatasync", code: code) }
        isAdopted = try folder.adoptDraft(of: replaced, disk)
        return offset
    }
}
