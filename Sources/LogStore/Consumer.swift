public import Access
public import Journal
public import Logging
public import Primitives
public import Reactor
import Synchronization
public import Telemetry

// DESIGN
//
// One thread at a time has the rounds. A round reads what is there of all journals, makes records
// of it, stores them in one transaction together with how far each journal is, and then gives the
// rings' room back. Where more is there than a round takes, other threads read the next round while
// this one is stored. The cursor in the database decides: a process that dies between the commit
// and the giving back finds on its next start that it has stored what the ring still holds, and
// goes on behind it.
//
// Nothing waits for it. When the store fails, the round's batch is kept and tried again;
// meanwhile the rings fill, and their writers drop and count.

/// Turns the frames of journals into records, on threads of its own.
public final class Consumer: Sendable {
    /// What it works with.
    public struct Settings: Sendable {
        /// Where the journals are.
        public var folder: JournalFolder
        /// Where the records go.
        public var store: Store
        /// How much of the bodies is kept.
        public var capture: Capture
        /// The age at which records are removed; zero is never.
        public var retain: Interval
        /// How often old records are looked for.
        public var retireEvery = Interval.seconds(10)
        /// How long an orderly end tries to store the rest, counted from the first round that
        /// failed.
        public var endsWithin = Interval.seconds(5)
        /// How often journals are synced to the disk; zero leaves it to the kernel.
        public var syncEvery: Interval
        /// What is counted.
        public var metrics: RecordMetrics
        /// Where to say what an operator should know.
        public var logger: Logger
        /// Whether sealed segments are packed.
        public var packs = false
        /// Bytes of segments and index at most; zero is without a bound.
        public var bytesMax = 0
        /// How often the folder, and the bound of bytes, are looked at.
        var lookEvery = Interval.seconds(10)
        /// Processors that there are to read rings while another stores.
        var processors = Thread.processorCount
        /// When sealed segments are packed.
        var quiet = QuietTime()
        /// When segments are sealed.
        var segmentBounds = SegmentWriter.Bounds()
        /// Asked whether the clock is kept to another's.
        var isClockSynchronized: @Sendable () -> Bool = ClockTrust.isSynchronized
        /// What tokens cost.
        public var prices = PriceBook(nil)
        /// Called after records were stored, on one of the consumer's threads.
        public var stored: @Sendable () -> Void = {}
        /// Called with what records were charged that an earlier process left.
        public var recovered: @Sendable ([PastCharge]) -> Void = { _ in }
        /// Called once nothing of earlier processes is left to be read.
        public var recoveredAll: @Sendable () -> Void = {}
        /// Called with what calls in flight hold in a process that still writes to a journal, by
        /// the journal's name.
        public var held: @Sendable (String, [HeldCharge]) -> Void = { _, _ in }
        /// How many exchanges this process served while there was no journal for them.
        public var unrecorded: @Sendable () -> Int = { 0 }
        /// Where pieces of bodies are that are in no file, by the names of the files of journals
        /// that another process writes to.
        public var contents: [String: Int32] = [:]

        /// Settings of these parts.
        public init(
            folder: JournalFolder, store: Store, capture: Capture, retain: Interval,
            syncEvery: Interval, metrics: RecordMetrics, logger: Logger
        ) {
            self.folder = folder
            self.store = store
            self.capture = capture
            self.retain = retain
            self.syncEvery = syncEvery
            self.metrics = metrics
            self.logger = logger
        }
    }

    private let waker: Waker
    private let order = Order()
    private let threads: ConsumerThreads
    private let packer: SegmentPacker

    /// What its threads read to know what to do.
    final class Order: Sendable {
        let isEnding = Atomic<Bool>(false)
        let isHandingOver = Atomic<Bool>(false)
        /// Whether another process is about to ask for the journals.
        let isInDemand = Atomic<Bool>(false)

        /// What was ordered, as one reading has it.
        struct Reading: Equatable {
            var isEnding = false
            var isHandingOver = false
            var isInDemand = false
        }

        var reading: Reading {
            Reading(
                isEnding: isEnding.load(ordering: .acquiring),
                isHandingOver: isHandingOver.load(ordering: .acquiring),
                isInDemand: isInDemand.load(ordering: .acquiring))
        }
    }

    /// Starts to read: first what earlier processes left, then the journals of this one, whose
    /// writers wake it by `waker`.
    public init(_ settings: Settings, journals: [JournalFile], waker: Waker) throws(SystemError) {
        self.waker = waker
        packer = try SegmentPacker(
            settings.store, packs: settings.packs,
            PackingPressure(bytesMax: settings.bytesMax), quiet: settings.quiet,
            logger: settings.logger)
        do throws(SystemError) {
            threads = try ConsumerThreads(
                settings, SegmentKeeper(settings, packer), journals: journals, order: order,
                waker: waker)
        } catch {
            packer.end()
            throw error
        }
    }

    /// Says that another process is about to ask for the journals, or is not any more.
    ///
    /// On a full processor a thread in the background may need seconds for what is left of its
    /// round. So the rounds get a usual share before they are to end.
    public func expectHandOver(_ isExpected: Bool) {
        order.isInDemand.store(isExpected, ordering: .releasing)
        waker.wake()
    }

    /// Ends between two rounds, and leaves the journals to another process, which goes on from
    /// where the store says.
    ///
    /// `ceded` is called when nothing is read and stored any more. A segment that is being packed
    /// then may take some seconds longer: the other process packs others.
    public func handOver(_ ceded: () -> Void = {}) {
        packer.stop()
        order.isHandingOver.store(true, ordering: .releasing)
        waker.wake()
        threads.join()
        ceded()
        packer.end()
    }

    /// Reads what is left, stores it, and ends.
    ///
    /// After the journals' writers have ended. Where the store fails for long, what is left stays
    /// in the journals for the next start. The store stays open.
    public func end() {
        order.isEnding.store(true, ordering: .releasing)
        waker.wake()
        threads.join()
        packer.end()
    }
}
