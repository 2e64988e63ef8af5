import Glibc
import Primitives
import Reactor

// DESIGN
//
// A write through the kernel's cache takes a page of memory for each 4 KiB, and copies into it: of
// a prompt of 100 KB that was the larger part of all that its record cost. What is large is copied
// into one small piece of memory instead, again and again, from where the disk takes it. The first
// and the last bytes, which fill no block, go through the cache: no block is written both ways.
// Where the disk will not have it the cache takes it all.

extension SegmentPlan {
    /// Bytes of blocks for which it is worth it to wait for the disk.
    static let directBytesMin = 512 << 10

    /// The whole blocks of a range; nil where they are few.
    static func blocks(of range: Range<Int>) -> Range<Int>? {
        let block = DirectFile.blockBytes
        let start = (range.lowerBound + block - 1) / block * block
        let end = range.upperBound / block * block
        return end - start >= directBytesMin ? start..<end : nil
    }

    /// Writes all of it, the blocks of what is large past the kernel's cache.
    func write(
        to file: Int32, direct: DirectFile?, _ stages: WriteStages, _ disk: SegmentDisk
    ) throws(SystemError) {
        guard let direct, let blocks = Self.blocks(of: start..<end), let stage = stages.take()
        else { return try write(start..<end, to: file, disk) }
        try write(start..<blocks.lowerBound, to: file, disk)
        let done = write(blocks, to: direct, stage, disk)
        stages.keep(stage)
        try write(done..<end, to: file, disk)
    }

    /// Writes blocks; the offset up to which they were taken.
    private func write(
        _ blocks: Range<Int>, to file: DirectFile, _ stage: WriteStage,
        _ disk: SegmentDisk
    ) -> Int {
        var done = blocks.lowerBound
        while done < blocks.upperBound {
            let end = min(done + WriteStage.byteCount, blocks.upperBound)
            let staged = unsafe stage.fill(vectors(of: done..<end))
            guard unsafe disk.writeDirect(file, staged, done) == staged.count else { break }
            done = end
        }
        return done
    }
}
