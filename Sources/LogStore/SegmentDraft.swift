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
    private let content: UnsafeMutableRawBufferPointer
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
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        // Given back as a whole; the allocator would keep it.
        let contentBytes = ZstdFrame.contentBytesMax
        let count = contentBytes + ZstdFrame.bound(contentBytes)
        let memory = unsafe mmap(
            nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            throw SystemError(call: "mmap")
        }
        // A page of 2 MiB where the kernel has one, instead of 512 faults.
        unsafe madvise(memory, contentBytes, Int32(MADV_HUGEPAGE))
        unsafe content = UnsafeMutableRawBufferPointer(start: memory, count: contentBytes)
        unsafe room = UnsafeMutableRawBufferPointer(
            start: memory + contentBytes, count: count - contentBytes)
        descriptor = unsafe open(path, flags, 0o600)
        // The object is whole by now: its end gives back what it has, though this throws.
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        let head = Segment.Head(
            number: file.head.number, isPacked: true, madeAt: file.head.madeAt)
        try SegmentPlan(head).write(to: descriptor, disk)
    }

    deinit {
        unsafe munmap(content.baseAddress, content.count + room.count)
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isAdopted { unsafe unlink(path) }
    }

    /// Packs ranges of a segment into the next frame.
    func pack(_ ranges: [Range<Int>], of segment: SegmentFile) throws {
        var table = ByteBuffer()
        SegmentDirectory.appendTable(ranges, to: &table)
        unsafe content.copyMemory(from: UnsafeRawBufferPointer(table.pointer))
        var count = table.count
        for range in ranges {
            try unsafe segment.read(
                from: range.lowerBound,
                into: UnsafeMutableRawBufferPointer(
                    rebasing: content[count..<count + range.count]))
            count += range.count
        }
        try unsafe pack(UnsafeRawBufferPointer(rebasing: content[..<count]), ranges)
    }

    /// Packs a frame anew, of which some bytes were changed.
    func pack(_ content: [UInt8], _ ranges: [Range<Int>]) throws {
        try unsafe content.withUnsafeBytes { try unsafe pack($0, ranges) }
    }

    private func pack(_ content: UnsafeRawBufferPointer, _ ranges: [Range<Int>]) throws {
        guard let count = unsafe ZstdFrame.pack(content, into: room) else {
            throw Refusal.noMemory
        }
        try unsafe append(UnsafeRawBufferPointer(rebasing: room[..<count]))
        directory.add(count: content.count, ranges, packedCount: count)
    }

    /// Takes a frame over as it is.
    func add(_ packed: Span<UInt8>, _ frame: SegmentDirectory.Frame) throws(SystemError) {
        try unsafe packed.withUnsafeBytes { bytes throws(SystemError) in try unsafe append(bytes) }
        directory.add(count: frame.count, frame.ranges, packedCount: packed.count)
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
        let parity = SegmentParity(end: offset).section { SegmentFile.read(descriptor, $0) }
        try unsafe parity.bytes.withUnsafeBytes { bytes throws(SystemError) in
            try unsafe append(bytes)
        }
        let code = disk.sync(descriptor)
        guard code == 0 else { throw SystemError(call: "fdatasync", code: code) }
        isAdopted = try folder.adoptDraft(of: replaced, disk)
        return offset
    }
}
