import CLinux
import Glibc

/// A file that is written past the kernel's cache: by whole blocks, from memory and to offsets that
/// are multiples of one.
@safe
public final class DirectFile: Sendable {
    /// Bytes of a block: as large as a page, which no file system's is beyond.
    public static let blockBytes = 4096

    private let descriptor: Int32

    /// Opens a file that is there; nil where it cannot be written so.
    public init?(path: String) {
        let flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | clinux_direct_flag()
        descriptor = unsafe open(path, flags)
        if descriptor < 0 { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Writes blocks: how many bytes were taken, or -1 with `errno`.
    @unsafe
    public func write(_ blocks: UnsafeRawBufferPointer, at offset: Int) -> Int {
        unsafe pwrite(descriptor, blocks.baseAddress, blocks.count, off_t(offset))
    }
}
