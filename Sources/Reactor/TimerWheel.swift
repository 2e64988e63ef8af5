public import Primitives

// DESIGN
//
// A hierarchical wheel: six levels of 64 slots, a tick of one millisecond. Arming, disarming and
// firing cost the same however many timers there are; a bitmap per level finds the next one without
// looking at empty slots. A timer that goes off in a distant slot moves down a level until its own
// millisecond comes. Owners re-arm lazily: on activity they only keep the time, and when the timer
// goes off they compare and arm it anew, so that a chunk costs no timer work at all.

/// The handler of one timer.
public protocol TimerHandler: AnyObject {
    /// The timer's instant has come. It is unarmed now.
    func timerFired(_ timer: TimerWheel.Timer)
}

/// The timers of one loop.
public final class TimerWheel {
    /// Names one timer of a wheel.
    public struct Timer: Hashable, Sendable {
        let index: Int32
    }

    private static let levels = 6
    private static let none: Int32 = -1
    /// A node that waits for its call in this batch; a node that is not armed.
    private static let due: Int32 = -2
    private static let unarmed: Int32 = -1

    private struct Node {
        var next = TimerWheel.none
        var previous = TimerWheel.none
        /// `level * 64 + slot`, or one of the marks above.
        var bucket = TimerWheel.unarmed
        var tick: Int64 = 0
        var handler: (any TimerHandler)?
    }

    private var nodes: ContiguousArray<Node> = []
    private var freeNodes: ContiguousArray<Int32> = []
    private var heads = ContiguousArray<Int32>(repeating: none, count: levels * 64)
    private var occupied = ContiguousArray<UInt64>(repeating: 0, count: levels)
    private var batch: ContiguousArray<Int32> = []
    private var current: Int64

    init(now: Instant = .now()) {
        current = Self.tick(before: now)
    }

    /// Timers armed or waiting for their call.
    public private(set) var armedCount = 0

    /// Makes a timer, unarmed.
    ///
    /// The wheel holds the handler until ``destroy(_:)``.
    public func create(_ handler: any TimerHandler) -> Timer {
        if let index = freeNodes.popLast() {
            nodes[Int(index)].handler = handler
            return Timer(index: index)
        }
        nodes.append(Node(handler: handler))
        return Timer(index: Int32(nodes.count - 1))
    }

    /// Disarms a timer and lets go of its handler; its name may be given out again.
    public func destroy(_ timer: Timer) {
        disarm(timer)
        nodes[Int(timer.index)].handler = nil
        freeNodes.append(timer.index)
    }

    /// Arms a timer, or moves one that is armed.
    ///
    /// It goes off at the instant or up to a tick later, never before.
    public func arm(_ timer: Timer, at instant: Instant) {
        let index = Int(timer.index)
        disarm(timer)
        nodes[index].tick = max(current + 1, Self.tick(after: instant))
        insert(timer.index)
        armedCount += 1
    }

    /// Takes an armed timer out; one that is not armed stays as it is.
    public func disarm(_ timer: Timer) {
        let bucket = nodes[Int(timer.index)].bucket
        guard bucket != Self.unarmed else { return }
        if bucket >= 0 { unlink(timer.index) }
        nodes[Int(timer.index)].bucket = Self.unarmed
        armedCount -= 1
    }

    /// Whether a timer is armed.
    public func isArmed(_ timer: Timer) -> Bool {
        nodes[Int(timer.index)].bucket != Self.unarmed
    }

    /// When the wheel next has something to do; nil when no timer is armed.
    ///
    /// It may be the instant at which a distant timer changes its level rather than one at which it
    /// goes off.
    var nextDue: Instant? {
        guard let next = nextBucket() else { return nil }
        return Instant(nanoseconds: next.tick * 1_000_000)
    }

    /// Calls the handlers of all timers due by an instant.
    func fire(until now: Instant) {
        let target = Self.tick(before: now)
        guard target > current else { return }
        while let next = nextBucket(), next.tick <= target {
            current = next.tick
            var index = heads[next.bucket]
            heads[next.bucket] = Self.none
            occupied[next.bucket >> 6] &= ~(1 << UInt64(next.bucket & 63))
            while index != Self.none {
                let following = nodes[Int(index)].next
                if nodes[Int(index)].tick <= current {
                    nodes[Int(index)].bucket = Self.due
                    batch.append(index)
                } else {
                    insert(index)
                }
                index = following
            }
        }
        current = target
        var position = 0
        while position < batch.count {
            let index = batch[position]
            position += 1
            // A handler called before may have disarmed, moved or destroyed this timer.
            guard nodes[Int(index)].bucket == Self.due else { continue }
            nodes[Int(index)].bucket = Self.unarmed
            armedCount -= 1
            nodes[Int(index)].handler?.timerFired(Timer(index: index))
        }
        batch.removeAll(keepingCapacity: true)
    }

    /// The first occupied slot: the lowest level that has one holds the earliest timers.
    private func nextBucket() -> (bucket: Int, tick: Int64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let shift = Int64(level * 6)
            let position = Int(current >> shift & 63)
            let rotated =
                occupied[level] >> UInt64(position) | occupied[level] << UInt64(64 - position)
            let slot = (rotated.trailingZeroBitCount + position) & 63
            let lap = (current >> (shift + 6)) << (shift + 6)
            var tick = lap + Int64(slot) << shift
            // Only the top level wraps round: below it, what is behind us has been moved down.
            if tick < current { tick += 1 << (shift + 6) }
            return (level << 6 + slot, tick)
        }
        return nil
    }

    private func insert(_ index: Int32) {
        let tick = nodes[Int(index)].tick
        // The level is that of the highest group of six bits in which the tick differs from now.
        let difference = UInt64(bitPattern: current ^ tick) | 63
        let level = min((63 - difference.leadingZeroBitCount) / 6, Self.levels - 1)
        let slot = Int(tick >> Int64(level * 6) & 63)
        let bucket = level << 6 + slot
        let head = heads[bucket]
        nodes[Int(index)].bucket = Int32(bucket)
        nodes[Int(index)].next = head
        nodes[Int(index)].previous = Self.none
        if head != Self.none { nodes[Int(head)].previous = index }
        heads[bucket] = index
        occupied[level] |= 1 << UInt64(slot)
    }

    private func unlink(_ index: Int32) {
        let node = nodes[Int(index)]
        let bucket = Int(node.bucket)
        if node.next != Self.none { nodes[Int(node.next)].previous = node.previous }
        if node.previous != Self.none {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[bucket] = node.next
            if node.next == Self.none { occupied[bucket >> 6] &= ~(1 << UInt64(bucket & 63)) }
        }
    }

    private static func tick(before instant: Instant) -> Int64 {
        instant.nanoseconds / 1_000_000
    }

    private static func tick(after instant: Instant) -> Int64 {
        // A distant future is beyond the wheel's two years; so far ahead the level's clamp
        // suffices.
        min(instant.nanoseconds, .max - 1_000_000) / 1_000_000 + 1
    }
}

@available(*, unavailable)
extension TimerWheel: Sendable {}
