import Glibc
package import Primitives

/// How long a test waits for an event before it calls it missing.
///
/// Far longer than any event takes: the wait ends with the event, so only a failure waits it out.
/// Twenty seconds were not enough on a machine that did other work.
package enum Patience {
    /// The same for every wait.
    package static let interval = Interval.seconds(180)

    /// Asks a condition again and again; false when it did not hold in all that time.
    package static func await(
        everyMilliseconds pause: Int32 = 5, _ condition: () throws -> Bool
    ) rethrows -> Bool {
        let end = Instant.now() + interval
        while true {
            if try condition() { return true }
            guard Instant.now() < end else { return false }
            poll(nil, 0, pause)
        }
    }
}
