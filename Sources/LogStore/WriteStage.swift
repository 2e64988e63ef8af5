import Glibc
import Synchronization

/// Memory from which blocks are written past the kernel's cache.
@safe
final class WriteStage: @unchecked Sendable {
    // Unchecked, because one thread at a time has it; see ``WriteStages``.

    /// Enough that the disk's answer is waited for seldom, and few enough to stay in a processor's
    /// cache.
    static let byteCount = 1 << 20

    private let memory: UnsafeMutableRawBufferPointer

    /// Nil where there is no memory.
    init?() {
        let address = unsafe mmap(
            nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let address = unsafe address, unsafe address != MAP_FAILED else { return nil }
        unsafe memory = UnsafeMutableRawBufferPointer(start: address, count: Self.byteCount)
    }

    deinit {
        unsafe munmap(memory.baseAddress, memory.count)
    }

    /// Copies pieces into it, one behind the other; where they are then.
    @unsafe
    func fill(_ pieces: [iovec]) -> UnsafeRawBufferPointer {
        let count = unsafe pieces.reduce(0) { count, piece in
            unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(
                from: UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len))
            return unsafe count + piece.iov_len
        }
        return unsafe UnsafeRawBufferPointer(rebasing: memory[..<count])
    }
}

/// The memory of writes that go past the kernel's cache, kept from one to the next: a page that is
/// taken anew costs about what copying into it does.
final class WriteStages: Sendable {
    private struct State: Sendable {
        var stage: WriteStage?
        var wasUsed = false
    }

    private let state = Mutex(State())

    /// Takes memory; nil where there is none.
    func take() -> WriteStage? {
        let kept = state.withLock { state in
            defer { state = State(wasUsed: true) }
            return state.stage
        }
        return kept ?? WriteStage()
    }

    /// Keeps memory for the next write.
    func keep(_ stage: WriteStage) {
        state.withLock { $0.stage = stage }
    }

    /// Gives it back to the kernel unless it was used since the last call; whether some is kept.
    @discardableResult
    func trim() -> Bool {
        state.withLock { state in
            if !state.wasUsed { state.stage = nil }
            state.wasUsed = false
            return state.stage != nil
        }
    }
}
