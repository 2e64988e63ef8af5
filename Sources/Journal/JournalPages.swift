import CJournal
import Glibc

/// The guard of a journal's mapping: its process goes on when pages of the file are gone.
@safe
final class JournalPages: @unchecked Sendable {
    // Unchecked, because what is shared is memory that is read and written by acquire and release.

    /// The words of the head as they were written last, by their offsets.
    @unsafe let words: UnsafeMutableRawPointer
    private let lost: UnsafeMutablePointer<UInt32>
    private let slots: [Int32]

    /// Guards a head, and a ring that is mapped twice in a row.
    @unsafe
    init(
        _ head: UnsafeMutableRawPointer, _ ring: UnsafeMutableRawPointer, _ capacity: Int,
        wordBytes: Int
    ) {
        let words = UnsafeMutableRawPointer.allocate(byteCount: wordBytes, alignment: 8)
        unsafe memset(words, 0, wordBytes)
        unsafe self.words = unsafe words
        unsafe lost = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
        unsafe lost.initialize(to: 0)
        // First the head: what is read of it, also here, is guarded by then.
        var slots = [
            unsafe cjournal_guard(
                head, JournalFile.headBytes, words.assumingMemoryBound(to: UInt64.self),
                wordBytes / 8, lost)
        ]
        for offset in stride(from: 0, to: wordBytes, by: 8) {
            unsafe cjournal_store(words + offset, cjournal_load(head + offset))
        }
        for half in 0..<2 {
            slots.append(
                unsafe cjournal_guard(ring + half * capacity, capacity, nil, 0, lost))
        }
        self.slots = slots
    }

    /// Whether pages are gone.
    var isLost: Bool { unsafe cjournal_load_short(lost) != 0 }

    /// Gives the guards up, before the mapping goes.
    func leave() {
        for slot in slots { cjournal_unguard(slot) }
    }

    deinit {
        unsafe words.deallocate()
        unsafe lost.deallocate()
    }
}

/// Has lost pages of a mapped file covered that memory may be in, which a call could not read.
@unsafe
public func coverLostPages(_ memory: UnsafeRawBufferPointer) {
    guard let start = memory.baseAddress else { return }
    unsafe cjournal_touch(start, memory.count)
}
