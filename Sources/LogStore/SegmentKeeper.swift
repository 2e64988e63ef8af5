import Journal
import Logging
import Primitives
import Telemetry

/// Keeps the segments in order between the consumer's rounds: it seals them, has them packed, and
/// takes them away where they are too old or too many.
struct SegmentKeeper {
    /// Of a bound, the part that one segment may be, so that it is kept to in small steps.
    private static let segmentsMin = 16
    private static let segmentBytesMin = 1 << 20

    private let settings: Consumer.Settings
    private let packer: SegmentPacker
    private let request: SealRequest
    private var lookedAt: Instant?
    private var current: UInt64 = 0
    private var isTroubled = false
    /// The segments that were seen to be gone.
    private var missing: Set<UInt64> = []
    /// Why what is stored now will not be found: the folder is another; empty where it is not.
    private(set) var trouble = ""

    init(_ settings: Consumer.Settings, _ packer: SegmentPacker) {
        self.settings = settings
        self.packer = packer
        request = SealRequest(in: settings.folder.path)
        var bounds = settings.segmentBounds
        bounds.isSynced = settings.syncEvery > .zero
        if settings.bytesMax > 0 {
            let part = max(Self.segmentBytesMin, settings.bytesMax / Self.segmentsMin)
            bounds.bytesMax = min(bounds.bytesMax, part)
        }
        settings.store.set(bounds)
    }

    /// Does what is due.
    mutating func keep(_ now: Instant) {
        let store = settings.store
        // While nothing can be stored, what waits would not be in what is sealed.
        if request.isThere, settings.metrics.currentTrouble.isEmpty {
            // In this order: who asked goes on when the request is gone.
            store.sealSegment()
            request.remove()
            packer.wake()
        }
        let isDue = lookedAt.map { now - $0 > settings.lookEvery } ?? true
        let hasChanged = store.writer?.current != current
        guard isDue || hasChanged else { return }
        lookedAt = now
        lookForFolder()
        lookForLosses()
        do {
            let isSealed = try store.sealSegmentIfDue()
            if isSealed || hasChanged { packer.wake() }
            current = store.writer?.current ?? 0
            try evict()
            isTroubled = false
        } catch {
            if !isTroubled {
                settings.logger.warning(
                    "the record's segments cannot be kept in order",
                    metadata: ["error": "\(error)"])
            }
            isTroubled = true
        }
    }

    private mutating func lookForFolder() {
        guard trouble.isEmpty, !settings.store.isAtItsPath else { return }
        trouble = "\(settings.folder.path) was removed or replaced; restart the gateway"
        settings.metrics.remember(trouble: trouble)
        settings.logger.error(
            "records are lost, their folder is not there any more",
            metadata: ["log.path": "\(settings.folder.path)"])
    }

    /// Counts what is lost, and says once of each segment that it was taken away by another hand,
    /// now or before the start.
    private mutating func lookForLosses() {
        // Where the database is gone, too, that is said.
        guard trouble.isEmpty, let report = try? settings.store.reviewLosses() else { return }
        settings.metrics.newLosses.set(report.new.count)
        settings.metrics.acknowledgedLosses.set(report.acknowledged.count)
        let segments = { (losses: [RecordLoss]) in
            Set(losses.filter { $0.kind == .segmentMissing }.compactMap { UInt64($0.name) })
        }
        let known = segments(report.acknowledged.map(\.loss))
        let gone = known.union(segments(report.new))
        // What is acknowledged was said, and read.
        for number in gone.subtracting(missing).subtracting(known).sorted() {
            settings.metrics.missingSegments.add()
            settings.logger.error(
                "a segment of the record is not there any more, fields and bodies are lost",
                metadata: ["path": "\(settings.store.segments.path(of: number))"])
        }
        // One that was put back may go once more.
        missing = gone
    }

    private func evict() throws {
        guard settings.bytesMax > 0 else { return }
        let eviction = try settings.store.evict(bytesMax: settings.bytesMax)
        settings.metrics.evictedSegments.add(eviction.segments)
        settings.metrics.retired.add(eviction.records)
        guard eviction != Store.Eviction() else { return }
        settings.logger.notice(
            "the record has reached log.max_size, the oldest of it is taken away",
            metadata: ["segments": "\(eviction.segments)", "records": "\(eviction.records)"])
    }

    /// Syncs what was written.
    func sync() {
        do {
            try settings.store.syncSegments()
        } catch {
            settings.logger.error(
                "a segment cannot be synced", metadata: ["error": "\(error)"])
        }
    }
}
