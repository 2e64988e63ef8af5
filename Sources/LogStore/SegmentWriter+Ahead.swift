import Primitives
import Reactor

// DESIGN
//
// To lay out and to write what records keep needs no database, so the threads that read journals do
// it for their batches while another is being stored. Each is given a part of the segment that is
// being written, behind all others, and no two parts meet. Until a transaction knows it, it is
// nothing, as everything behind the last entry that a row knows. If the segment was sealed
// meanwhile, the batch is written once more, into the next one.

extension SegmentWriter {
    /// Writes what a batch's records keep before the transaction that will store them; nil where it
    /// must be written with that.
    func writeAhead(_ batch: inout Batch) -> Written? {
        // What was spilled is not all there.
        guard batch.spilled.isEmpty, batch.spills.isEmpty, !batch.records.isEmpty
        else { return nil }
        var bytes = 0
        batch.eachRecord { _, record, content in
            let lengths = SegmentPlan.lengths(record, content)
            bytes += ContentPointer(lengths: lengths).footprint
        }
        guard bytes > 0, let part = reserve(bytes) else { return nil }
        var plan = SegmentPlan(segment: part.segment, offset: part.offset)
        var pointers: [ContentPointer] = []
        pointers.reserveCapacity(batch.records.count)
        batch.eachRecord { _, record, content in pointers.append(plan.add(record, content)) }
        precondition(plan.end == part.offset + bytes, "a part of a segment is larger than said")
        do throws(SystemError) {
            try plan.write(to: part.descriptor, disk)
        } catch {
            // The thread that stores the batch tries again, and says so.
            return nil
        }
        return Written(
            pointers: pointers, frames: [], end: End(segment: part.segment, offset: plan.end))
    }
}

extension SegmentPlan {
    /// Bytes that each entry of a record holds, by their kinds in order.
    static func lengths(
        _ record: borrowing Record, _ content: borrowing RecordContent
    ) -> InlineArray<4, Int> {
        [
            record.requestFields.utf8.count, content.request.count,
            record.responseFields.utf8.count, content.response.count,
        ]
    }
}
