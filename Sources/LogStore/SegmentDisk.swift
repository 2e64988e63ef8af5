import Glibc
import Journal
import Reactor

/// The calls by which segments are written, so that a test can have each of them fail.
@safe
struct SegmentDisk: Sendable {
    /// The kernel's bound of pieces in one call.
    private static let vectorsMax = 1024

    /// Writes pieces at an offset: how many bytes were taken, or -1 with `errno`.
    @unsafe var write: @Sendable (Int32, UnsafePointer<iovec>, Int32, off_t) -> Int = {
        unsafe pwritev($0, $1, $2, $3)
    }
    /// Waits until a file's bytes are on the disk: 0, or an error's number.
    var sync: @Sendable (Int32) -> Int32 = { fdatasync($0) == 0 ? 0 : errno }
    /// Gives a file another's name: 0, or an error's number.
    var rename: @Sendable (String, String) -> Int32 = { old, new in
        unsafe Glibc.rename(old, new) == 0 ? 0 : errno
    }

    /// Writes all pieces, in as few calls as possible.
    @unsafe
    func writeAll(_ vectors: inout [iovec], to file: Int32, at offset: Int) throws(SystemError) {
        var offset = offset
        var first = 0
        var isCovered = false
        while unsafe first < vectors.count {
            let count = unsafe min(Self.vectorsMax, vectors.count - first)
            var taken: Int = unsafe vectors.withUnsafeBufferPointer { all in
                guard let base = all.baseAddress else { return 0 }
                return unsafe write(file, base + first, Int32(count), off_t(offset))
            }
            if taken < 0, errno == EINTR { continue }
            if taken < 0, errno == EFAULT, !isCovered {
                // Pieces are written out of the ring, of whose file a part may be gone.
                isCovered = true
                for index in unsafe vectors.indices where index >= first {
                    unsafe coverLostPages(
                        UnsafeRawBufferPointer(
                            start: vectors[index].iov_base, count: vectors[index].iov_len))
                }
                continue
            }
            guard taken >= 0 else { throw SystemError(call: "pwritev") }
            guard taken > 0 else { throw SystemError(call: "pwritev", code: ENOSPC) }
            offset += taken
            while unsafe first < vectors.count && taken >= Int(vectors[first].iov_len) {
                taken -= unsafe Int(vectors[first].iov_len)
                first += 1
            }
            guard taken > 0 else { continue }
            unsafe vectors[first].iov_base = vectors[first].iov_base.map { unsafe $0 + taken }
            unsafe vectors[first].iov_len -= taken
        }
    }
}
