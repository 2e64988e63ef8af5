import Glibc

// DESIGN
//
// The writer writes to memory, and must never find that there is none: a page of the file that the
// process does not have yet costs it a fault, and one that the kernel does not have either costs
// more. It takes in whole stretches of the file then, a millisecond a MiB, and reads them from the
// disk where it had to give them up. So the reader, who can wait, has the pages there before the
// writer comes to them, and gives up those behind it.

extension JournalFile {
    /// Pages are asked for and given up by so many bytes: a kernel without preemption runs no
    /// other thread meanwhile, 10 us for this much.
    public static let pageRunBytes = headBytes

    /// Gives the ring's room up to a cursor back to the writer.
    ///
    /// Only by the reader.
    public func release(upTo cursor: UInt64) {
        let before = readCursor
        precondition(cursor >= before && cursor <= writeCursor)
        // What is stored, and may be taken out of the store one day, stays nowhere else.
        unsafe memset(address(before), 0, Int(cursor - before))
        // What was read leaves this process's memory before the writer may want the room again; the
        // kernel keeps it.
        for start in Self.pageRuns(in: before..<cursor) {
            let address = unsafe address(start)
            // Both addresses at which the ring is mapped.
            unsafe madvise(address, Self.pageRunBytes, Int32(MADV_DONTNEED))
            unsafe madvise(address + capacity, Self.pageRunBytes, Int32(MADV_DONTNEED))
        }
        self[.readCursor] = cursor
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
