import Logging
import Primitives
import Reactor
import Synchronization

/// Packs sealed segments, one after the other, on a thread that gives way to every other; before
/// that it erases what an earlier process was about to erase.
final class SegmentPacker: Sendable {
    private static let niceness: Int32 = 19
    /// How long it waits where nothing wakes it, or after a failure.
    private static let restTime = Interval.seconds(60)

    private let waker: Waker
    private let thread: Thread
    private let state: State

    private final class State: Sendable {
        let isEnding = Atomic<Bool>(false)
        let hasWork = Atomic<Bool>(true)
    }

    /// Begins with what earlier processes left.
    ///
    /// `packs`: whether segments are packed at all.
    init(_ store: Store, packs: Bool, logger: Logger) throws(SystemError) {
        let waker = try Waker()
        let state = State()
        self.waker = waker
        self.state = state
        store.segments.removeDrafts()
        thread = try Thread(
            name: "weir-record-zip", standing: .background(niceness: Self.niceness)
        ) {
            while !state.isEnding.load(ordering: .acquiring) {
                if Self.finishErasures(store, logger) { break }
                waker.sleep(atMost: Self.restTime) { state.isEnding.load(ordering: .acquiring) }
            }
            if packs { Self.work(store, logger, state, waker) }
        }
    }

    /// Says that a segment was sealed.
    func wake() {
        state.hasWork.store(true, ordering: .releasing)
        waker.wake()
    }

    /// Ends it; what it was about stays as it was.
    func end() {
        state.isEnding.store(true, ordering: .releasing)
        waker.wake()
        thread.join()
    }

    private static func finishErasures(_ store: Store, _ logger: Logger) -> Bool {
        do {
            return try store.finishErasures()
        } catch {
            logger.warning(
                "what is to be forgotten cannot be erased from the record's segments",
                metadata: ["error": "\(error)"])
            return false
        }
    }

    private static func work(_ store: Store, _ logger: Logger, _ state: State, _ waker: Waker) {
        var packedUpTo: UInt64 = 0
        var packing = SegmentPacking(folder: store.segments, disk: store.disk)
        packing.isEnding = { state.isEnding.load(ordering: .acquiring) }
        while !packing.isEnding() {
            state.hasWork.store(false, ordering: .releasing)
            do {
                for (number, end) in try store.sealedSegments(after: packedUpTo) {
                    if let result = try packing.pack(number, upTo: end) {
                        logger.debug(
                            "a segment of the record is packed",
                            metadata: [
                                "segment": "\(number)", "before": "\(result.before)",
                                "after": "\(result.after)",
                            ])
                    }
                    packedUpTo = number
                }
            } catch SegmentPacking.Refusal.isEnding {
                return
            } catch is SegmentFile.Refusal {
                logger.debug("a segment of the record is packed later: another has it")
            } catch {
                logger.warning(
                    "a segment of the record cannot be packed", metadata: ["error": "\(error)"])
            }
            waker.sleep(atMost: restTime) {
                state.hasWork.load(ordering: .acquiring) || packing.isEnding()
            }
        }
    }
}
