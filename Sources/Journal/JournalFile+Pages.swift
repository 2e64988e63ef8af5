import Glibc

// DESIGN
//
// The writer must meet no page fault. A page of the file that is not mapped in this process costs
// one, and a page that the kernel does not have either costs more: the kernel then reads whole
// ranges of the file, a millisecond a MiB, from the disk where it had dropped them. So the reader,
// which can wait, has the pages mapped before the writer reaches them, and gives up those behind
// it. A ring through which much goes needs them again a moment later: its pages stay mapped as long
// as that lasts.

extension JournalFile {
    /// Pages are asked for and given up by so many bytes: a kernel without preemption runs no
    /// other thread meanwhile, 10 us for this much.
    public static let pageRunBytes = headBytes

    /// Gives the ring's room up to a cursor back to the writer.
    ///
    /// Pages that were read leave this process's memory before the writer needs the room again,
    /// unless they are kept until ``unmapPages(outside:)``; the kernel has them all the same.
    /// Only by the reader.
    public func release(upTo cursor: UInt64, keepsPages: Bool = false) {
        let before = readCursor
        precondition(cursor >= before && (cursor <= writeCursor || isLost))
        wipe(before..<cursor)
        if !keepsPages { unmapPages(before..<cursor) }
        self[.readCursor] = cursor
    }

    /// Gives up the pages of the whole ring but for the cursors that are read and written next.
    ///
    /// Only by the reader.
    public func unmapPages(outside near: Range<UInt64>) {
        let run = UInt64(Self.pageRunBytes)
        let end = (near.upperBound + run - 1) / run * run
        let lap = near.lowerBound / run * run + UInt64(capacity)
        if end < lap { unmapPages(end..<lap) }
    }

    private func unmapPages(_ cursors: Range<UInt64>) {
        // Memory that stands where pages were lost has no file to be read from again.
        guard !isLost else { return }
        for start in Self.pageRuns(in: cursors) {
            let address = unsafe address(start)
            // Both addresses at which the ring is mapped.
            unsafe madvise(address, Self.pageRunBytes, Int32(MADV_DONTNEED))
            unsafe madvise(address + capacity, Self.pageRunBytes, Int32(MADV_DONTNEED))
        }
    }

    /// Overwrites what the reader is done with: a stored record may be removed from the store one
    /// day, so no copy of it stays here.
    ///
    /// The reader's cursor moves only after it, because the writer may write there from then on.
    func wipe(_ cursors: Range<UInt64>) {
        unsafe memset(address(cursors.lowerBound), 0, cursors.count)
    }

    /// Has the kernel map a part of the ring that is to be written, from one multiple of
    /// ``pageRunBytes`` to another.
    ///
    /// Returns up to where it did: not at all before Linux 5.14. Only by the reader.
    public func prepare(_ cursors: Range<UInt64>) -> UInt64 {
        for start in Self.pageRuns(in: cursors) {
            let address = unsafe address(start)
            guard unsafe madvise(address, Self.pageRunBytes, Int32(MADV_POPULATE_WRITE)) == 0
            else { return start }
        }
        return cursors.upperBound
    }

    /// Where the runs begin that end within a range, the first of which may begin before it.
    private static func pageRuns(in cursors: Range<UInt64>) -> StrideTo<UInt64> {
        let run = UInt64(pageRunBytes)
        return stride(
            from: cursors.lowerBound / run * run, to: cursors.upperBound / run * run, by: Int(run))
    }
}
