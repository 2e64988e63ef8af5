import CJournal
import Glibc
public import Primitives
public import Reactor

// DESIGN
//
// One writer, one reader, one file. The file's first part holds what both must know, each word that
// one of them changes in a cache line of its own; the rest is the ring. The ring is mapped twice in
// a row, so that a frame is one run of bytes wherever it begins.
//
// Cursors count bytes since the journal was made and never go back; modulo the capacity they are
// offsets. A frame is visible once the writer's cursor has passed it, which is the last thing the
// writer does. Since the file is mapped and shared, what was written outlives the process, whatever
// ended it; only a machine that loses its power loses what the kernel had not yet written, and the
// checksums show which.
//
// A process that may write to the file may also cut it off, and its disk may fail: then pages of
// the mapping are gone, and memory of the process alone stands where they were. Both addresses of
// the ring's bytes become different bytes by that, which does not matter: writer and reader have a
// frame at the same one. The head's words stand in the process's memory a second time for that
// moment, so that no cursor goes back.

/// A worker's ring in a memory-mapped file.
///
/// The words shared by writer and reader are changed by one of them each.
@safe
public final class JournalFile: @unchecked Sendable {
    // Unchecked, because what is shared is memory: every word of it has one writer, and is read and
    // written through acquire and release.

    /// Why a file is no journal.
    public struct Unusable: Error, CustomStringConvertible {
        /// What is wrong with it.
        public let description: String
    }

    /// Bytes before the ring: a multiple of every page size Linux has.
    static let headBytes = 64 << 10
    private static let magic: UInt64 = 0x314C_4E52_4A57  // "WJRNL1"
    private static let formatVersion: UInt64 = 2
    /// The version whose checksums are bound to nothing; journals of it are still read.
    private static let unboundVersion: UInt64 = 1

    /// Indexes of words in the file's head.
    enum Word: Int {
        case magic = 0
        case version = 8
        case capacity = 16
        case nameHigh = 24
        case nameLow = 32
        case writeCursor = 128
        case emitted = 136
        case dropped = 144
        case droppedFrames = 152
        case droppedBytes = 160
        case revision = 168
        case open = 176
        case readCursor = 256
    }

    /// Bytes of the head up to the end of its last word.
    private static let wordBytes = Word.readCursor.rawValue + 8

    /// The file's path.
    public let path: String
    /// Bytes of the ring.
    public let capacity: Int
    /// The journal's name, drawn when it was made: the store keeps its cursor under it.
    public let name: Identifier
    /// Whether the head of one that was opened contradicts its file's name, its size, or itself.
    public let isHeadDamaged: Bool

    /// Where pieces of bodies go that are to be in no file; nil where there are none such, and for
    /// a journal of a process that is gone.
    let content: ContentRing?
    private let seed: UInt64?
    private let head: UnsafeMutableRawPointer
    @unsafe let ring: UnsafeMutableRawPointer
    private let pages: JournalPages
    /// Whether this process alone writes it.
    private let isOwn: Bool

    /// Makes a journal, its space on the disk claimed, so that no write to it can fail later.
    ///
    /// `keepsContentAside`: whether there are pieces of bodies that are to be in no file.
    public init(
        creating path: String, capacity: Int, name: Identifier, keepsContentAside: Bool = false
    ) throws(SystemError) {
        let capacity = (max(capacity, Self.headBytes) + Self.headBytes - 1) & ~(Self.headBytes - 1)
        content = keepsContentAside ? try ContentRing(capacity: capacity) : nil
        let flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(descriptor) }
        // Without it a full disk would end the process with SIGBUS at the first touch.
        let code = posix_fallocate(descriptor, 0, off_t(Self.headBytes + capacity))
        guard code == 0 else {
            unsafe unlink(path)
            throw SystemError(call: "posix_fallocate \(path)", code: code)
        }
        do {
            unsafe (head, ring) = try Self.map(descriptor, capacity, path)
        } catch {
            unsafe unlink(path)
            throw error
        }
        self.path = path
        self.capacity = capacity
        self.name = name
        isOwn = true
        pages = unsafe JournalPages(head, ring, capacity, wordBytes: Self.wordBytes)
        isHeadDamaged = false
        seed = name.low
        self[.version] = Self.formatVersion
        self[.capacity] = UInt64(capacity)
        self[.nameHigh] = name.high
        self[.nameLow] = name.low
        // Last: a file without it was never finished.
        self[.magic] = Self.magic
    }

    /// Opens a journal that some process has left, or writes just now.
    ///
    /// `isReadOnly`: it is only looked at, which a folder allows that cannot be written to. No room
    /// of it may be given back then. `content`: the descriptor that the process which writes to it
    /// has given away, see ``contentDescriptor``; it is this object's own from here.
    public init(opening path: String, isReadOnly: Bool = false, content: Int32? = nil) throws {
        self.content = try content.map { descriptor throws(SystemError) in
            try ContentRing(sharing: descriptor)
        }
        let access = isReadOnly ? O_RDONLY : O_RDWR
        let descriptor = unsafe open(path, access | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SystemError(call: "open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError(call: "fstat") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Unusable(description: "\(path): is no regular file")
        }
        let size = Int(status.st_size)
        guard size > Self.headBytes, size % Self.headBytes == 0 else {
            throw Unusable(description: "\(path): \(size) bytes are no journal's size")
        }
        capacity = size - Self.headBytes
        self.path = path
        isOwn = false
        unsafe (head, ring) = try Self.map(descriptor, capacity, path, isReadOnly: isReadOnly)
        pages = unsafe JournalPages(head, ring, capacity, wordBytes: Self.wordBytes)
        let stated = Identifier(
            high: unsafe cjournal_load(head + Word.nameHigh.rawValue),
            low: unsafe cjournal_load(head + Word.nameLow.rawValue)
        )
        // A bit of it that flips would have all frames taken for another journal's.
        name = JournalFolder.name(ofJournal: path) ?? stated
        let version = unsafe cjournal_load(head + Word.version.rawValue)
        seed = version == Self.unboundVersion ? nil : name.low
        let signs = unsafe [
            cjournal_load(head + Word.magic.rawValue) == Self.magic,
            cjournal_load(head + Word.capacity.rawValue) == UInt64(capacity),
            version == Self.formatVersion || version == Self.unboundVersion,
        ]
        isHeadDamaged = name != stated || signs.contains(false)
        // A bit that flips takes one of them: two are no chance, and the third is not needed.
        guard signs.count(where: { $0 }) >= 2 else {
            throw Unusable(description: "\(path): its head is not a journal's")
        }
        let written = writeCursor
        guard readCursor <= written, written - readCursor <= UInt64(capacity) else {
            throw Unusable(description: "\(path): its cursors contradict each other")
        }
    }

    deinit {
        pages.leave()
        unsafe munmap(head, Self.headBytes)
        unsafe munmap(ring, 2 * capacity)
    }

    /// Whether a part of the file is gone while it is in use: what was in it is lost, and what is
    /// written from then on is in this process's memory alone.
    public var isLost: Bool { pages.isLost }

    private static func map(
        _ descriptor: Int32, _ capacity: Int, _ path: String, isReadOnly: Bool = false
    ) throws(SystemError) -> (UnsafeMutableRawPointer, UnsafeMutableRawPointer) {
        let access = isReadOnly ? PROT_READ : PROT_READ | PROT_WRITE
        guard
            let head = unsafe mmap(nil, headBytes, access, MAP_SHARED, descriptor, 0),
            unsafe head != MAP_FAILED
        else { throw SystemError(call: "mmap \(path)") }
        // A range of addresses for both halves first, so that nothing else can come between them.
        guard
            let ring = unsafe mmap(
                nil, 2 * capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            unsafe ring != MAP_FAILED
        else {
            unsafe munmap(head, headBytes)
            throw SystemError(call: "mmap \(path)")
        }
        for half in 0..<2 {
            let address = unsafe mmap(
                ring + half * capacity, capacity, access, MAP_SHARED | MAP_FIXED, descriptor,
                off_t(headBytes)
            )
            guard unsafe address != MAP_FAILED else {
                let error = SystemError(call: "mmap \(path)")
                unsafe munmap(head, headBytes)
                unsafe munmap(ring, 2 * capacity)
                throw error
            }
        }
        // Otherwise one missing page makes the kernel read the next megabytes with it, all at once.
        unsafe madvise(ring, 2 * capacity, Int32(MADV_RANDOM))
        return unsafe (head, ring)
    }

    /// What a process needs to read pieces of bodies that are in no file; nil where there are none.
    public var contentDescriptor: Int32? { content?.descriptor }

    /// A word of the head, read with acquire and written with release.
    subscript(word: Word) -> UInt64 {
        get { unsafe cjournal_load(head + word.rawValue) }
        set {
            // First where it is copied from when the head is lost.
            unsafe cjournal_store(pages.words + word.rawValue, newValue)
            unsafe cjournal_store(head + word.rawValue, newValue)
        }
    }

    /// The ring's bytes from a cursor on.
    @unsafe
    func address(_ cursor: UInt64) -> UnsafeMutableRawPointer {
        unsafe ring + Int(cursor % UInt64(capacity))
    }

    /// What the checksum of a frame at a cursor begins with: it is drawn with the journal's name,
    /// which no client learns, and differs from cursor to cursor.
    func checksumSeed(at cursor: UInt64) -> UInt32 {
        guard let seed else { return 0 }
        let mixed = seed ^ cursor
        return UInt32(truncatingIfNeeded: mixed ^ mixed >> 32)
    }

    /// Lends so many bytes of the payload of the frame at a position.
    ///
    /// They are what a reader was lent of it until ``release(upTo:)`` has passed the frame.
    /// The payload's checksum comes with it where it is lent as a whole.
    @unsafe
    public func lendPayload(
        at position: UInt64, count: Int,
        _ body: (UnsafeRawBufferPointer, PayloadChecksum?) -> Void
    ) {
        precondition(count >= 0 && count <= capacity)
        let start = unsafe address(position)
        let length = unsafe UInt32(
            littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        let bytes = unsafe UnsafeRawBufferPointer(start: start + FrameHeader.bytes, count: count)
        guard Int(length) == count else { return unsafe body(bytes, nil) }
        let checksum = unsafe PayloadChecksum(
            frame: UInt32(littleEndian: start.loadUnaligned(as: UInt32.self)),
            head: cjournal_crc32c(
                checksumSeed(at: position), start + 4, FrameHeader.bytes - 4),
            count: count)
        unsafe body(bytes, checksum)
    }

    /// Bytes written since the journal was made.
    public var writeCursor: UInt64 {
        let cursor = self[.writeCursor]
        // Another process's words are known here as far as they were seen.
        if !isOwn { unsafe cjournal_store(pages.words + Word.writeCursor.rawValue, cursor) }
        return cursor
    }

    /// Exchanges begun and not settled.
    ///
    /// Of a journal that this process writes.
    public var openCount: Int { Int(clamping: self[.open]) }

    /// Bytes that the reader is done with.
    public var readCursor: UInt64 { self[.readCursor] }

    /// Whether there is a file at its path; what cannot be looked at may be one.
    public var isThere: Bool {
        var status = stat()
        return unsafe lstat(path, &status) == 0 || errno != ENOENT
    }

    /// Has the kernel write all pending pages to the disk.
    public func sync() throws(SystemError) {
        guard unsafe msync(ring, capacity, MS_SYNC) == 0,
            unsafe msync(head, Self.headBytes, MS_SYNC) == 0
        else { throw SystemError(call: "msync \(path)") }
    }

    /// What the writer has counted, seen at one moment.
    public struct Tally: Equatable, Sendable {
        /// Exchanges begun, each of which needs a record.
        public var emitted = 0
        /// Of those, the ones that found no room and are only counted.
        public var dropped = 0
        /// Pieces of bodies that found no room.
        public var droppedFrames = 0
        /// Bytes of those.
        public var droppedBytes = 0
        /// Bytes written when this was counted.
        public var writeCursor: UInt64 = 0
    }

    /// The writer's counts, none of them from before another.
    public var tally: Tally {
        var tally = Tally()
        // A writer that was killed while it counted never finishes, so the tries have a bound.
        for _ in 0..<100_000 {
            let before = self[.revision]
            tally = Tally(
                // A damaged head may say anything; more than this no journal has seen.
                emitted: Int(min(self[.emitted], 1 << 48)),
                dropped: Int(min(self[.dropped], 1 << 48)),
                droppedFrames: Int(min(self[.droppedFrames], 1 << 48)),
                droppedBytes: Int(min(self[.droppedBytes], 1 << 56)),
                writeCursor: writeCursor
            )
            cjournal_fence()
            if before % 2 == 0, self[.revision] == before { break }
        }
        return tally
    }
}
