import Logging
import Primitives
import Reactor
import Synchronization

// DESIGN
//
// One thread packs what is complete while the gateway does little, and gives way to every other.
// Where much waits for that, it does not wait; on a machine without idle time it hardly gets on
// even so. So another, with a usual standing, looks once a minute for what is due, and spends a
// bounded share of a processor on it. A segment's lock keeps them apart; a thread that waits has
// none, because an erasure from a segment needs it.

/// Packs sealed segments, one after the other; before that it erases what an earlier process was
/// about to erase.
final class SegmentPacker: Sendable {
    private static let niceness: Int32 = 19
    /// How long it waits where nothing wakes it, or after a failure.
    private static let restTime = Interval.seconds(60)

    private let threads: [(thread: Thread, waker: Waker)]
    private let state: State

    private final class State: Sendable {
        let isEnding = Atomic<Bool>(false)
        let hasWork = Atomic<Bool>(true)

        var isOver: Bool { isEnding.load(ordering: .acquiring) }
    }

    /// Begins with what earlier processes left.
    ///
    /// `packs`: whether segments are packed at all.
    init(
        _ store: Store, packs: Bool, _ pressure: PackingPressure, quiet: QuietTime, logger: Logger
    ) throws(SystemError) {
        let state = State()
        self.state = state
        store.segments.removeDrafts()
        let waker = try Waker()
        let background = try Thread(
            name: "weir-record-zip", standing: .background(niceness: Self.niceness)
        ) {
            Self.finishErasures(store, logger, state, waker)
            if packs { Self.packAll(store, quiet, logger, state, waker) }
        }
        guard packs else {
            threads = [(background, waker)]
            return
        }
        do throws(SystemError) {
            let dueWaker = try Waker()
            let due = try Thread(name: "weir-record-due") {
                while !state.isOver {
                    dueWaker.sleep(atMost: Self.restTime) { state.isOver }
                    Self.packDue(store, pressure, logger, dueWaker) { state.isOver }
                }
            }
            threads = [(background, waker), (due, dueWaker)]
        } catch {
            state.isEnding.store(true, ordering: .releasing)
            waker.wake()
            background.join()
            throw error
        }
    }

    /// Says that a segment was sealed.
    func wake() {
        state.hasWork.store(true, ordering: .releasing)
        threads.first?.waker.wake()
    }

    /// Has it end soon; what it was about stays as it was.
    func stop() {
        state.isEnding.store(true, ordering: .releasing)
        for (_, waker) in threads { waker.wake() }
    }

    /// Ends it.
    func end() {
        stop()
        for (thread, _) in threads { thread.join() }
    }

    private static func finishErasures(
        _ store: Store, _ logger: Logger, _ state: State, _ waker: Waker
    ) {
        while !state.isOver {
            do {
                if try store.finishErasures() { return }
            } catch {
                logger.warning(
                    "what is to be forgotten cannot be erased from the record's segments",
                    metadata: ["error": "\(error)"])
            }
            waker.sleep(atMost: restTime) { state.isOver }
        }
    }

    private static func packAll(
        _ store: Store, _ quiet: QuietTime, _ logger: Logger, _ state: State, _ waker: Waker
    ) {
        var packedUpTo: UInt64 = 0
        var packing = SegmentPacking(folder: store.segments, disk: store.disk)
        packing.isEnding = { state.isOver }
        while !state.isOver {
            state.hasWork.store(false, ordering: .releasing)
            do {
                let waiting = try store.unpackedSegments(after: packedUpTo)
                if let next = waiting.first {
                    // Those before it are looked at once.
                    packedUpTo = next - 1
                    let mayWait = store.segments.mayWait(waiting)
                    if mayWait, !quiet.isNow(waker, unless: { state.isOver }) {
                        waker.sleep(atMost: QuietTime.restTime) { state.isOver }
                    } else {
                        try pack(next, packing, store, logger)
                        packedUpTo = next
                    }
                    continue
                }
            } catch SegmentPacking.Refusal.isEnding {
                return
            } catch {
                report(error, logger)
            }
            waker.sleep(atMost: restTime) {
                state.hasWork.load(ordering: .acquiring) || state.isOver
            }
        }
    }

    /// Packs what is due, with rests between the frames.
    static func packDue(
        _ store: Store, _ pressure: PackingPressure, _ logger: Logger, _ waker: Waker,
        isOver: @escaping () -> Bool
    ) {
        do {
            let packing = unhurried(store, waker, isOver)
            for number in try store.dueSegments(pressure) {
                do {
                    try pack(number, packing, store, logger)
                } catch is SegmentFile.Refusal {
                    continue
                }
            }
        } catch SegmentPacking.Refusal.isEnding {
            return
        } catch {
            report(error, logger)
        }
    }

    /// Packing that rests before each frame, by how long the last one took.
    private static func unhurried(
        _ store: Store, _ waker: Waker, _ isOver: @escaping () -> Bool
    ) -> SegmentPacking {
        var packing = SegmentPacking(folder: store.segments, disk: store.disk)
        var restedAt = Instant.now()
        packing.isEnding = {
            let rest = PackingPressure.rest(after: Instant.now() - restedAt)
            waker.sleep(atMost: min(rest, restTime), unless: isOver)
            restedAt = .now()
            return isOver()
        }
        return packing
    }

    private static func pack(
        _ number: UInt64, _ packing: SegmentPacking, _ store: Store, _ logger: Logger
    ) throws {
        guard let result = try store.pack(number, packing) else { return }
        logger.debug(
            "a segment of the record is packed",
            metadata: [
                "segment": "\(number)", "before": "\(result.before)", "after": "\(result.after)",
            ])
    }

    private static func report(_ error: any Error, _ logger: Logger) {
        guard !(error is SegmentFile.Refusal) else {
            return logger.debug("a segment of the record is packed later: another has it")
        }
        logger.warning(
            "a segment of the record cannot be packed", metadata: ["error": "\(error)"])
    }
}
