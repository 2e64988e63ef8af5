import Config
import Cryptography
import Glibc
import Logging
import Primitives
import Reactor
import Telemetry

/// The certificates of one listener: read at the start, on SIGHUP, and when their files change.
///
/// On the control loop. Every ten seconds a file is looked at by its name, size and time of change;
/// what cannot be used leaves the certificates in force, and is said once for each change.
final class CertificateWatch: TimerHandler {
    private static let interval = Interval.seconds(10)
    private static let warnedBefore = 14 * 86_400

    /// The listeners that may speak TLS.
    enum Section: String {
        case server
        case admin
    }

    let identity: ServerIdentity
    private let section: Section
    private let logger: Logger
    private let tickets = TicketKeys()
    private let metrics: CertificateMetrics
    private var endsAt = 0
    private var settings: TLSSettings
    private var stamps: [String]
    private unowned let loop: EventLoop
    private var timer: TimerWheel.Timer?

    /// The certificates of a section; nil where it sets none.
    init?(
        _ section: Section, _ tls: ListenerTLS, on loop: EventLoop,
        _ metrics: CertificateMetrics, _ logger: Logger
    ) throws(Composition.StartError) {
        guard tls.isOn else { return nil }
        self.section = section
        self.loop = loop
        self.logger = logger
        self.metrics = metrics
        settings = TLSSettings(tls)
        stamps = Self.stamps(of: settings)
        do {
            let context = try TLSContext(settings, tickets: tickets)
            identity = ServerIdentity(context)
            endsAt = context.expiresAt
        } catch {
            throw Composition.StartError(description: "[\(section.rawValue).tls] \(error)")
        }
        metrics.set(section.rawValue, endsAt)
        warnOfExpiry()
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + Self.interval)
    }

    /// The certificates of a section; nil where it speaks no TLS.
    static func identity(
        of section: Section, among watches: [CertificateWatch]
    ) -> ServerIdentity? {
        watches.first { $0.section == section }?.identity
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        loop.timers.arm(timer, at: loop.now + Self.interval)
        let found = Self.stamps(of: settings)
        guard found != stamps else { return }
        stamps = found
        load(settings)
    }

    /// What a reading of the files has found, not in force yet.
    struct Reading {
        fileprivate let settings: TLSSettings
        fileprivate let context: TLSContext
        fileprivate let stamps: [String]
    }

    /// Reads the files again, those that a new configuration names; nil without any.
    private func read(_ configuration: Configuration) throws(Composition.StartError) -> Reading? {
        let tls = section == .server ? configuration.server.tls : configuration.admin.tls
        guard tls.isOn else { return nil }
        let next = TLSSettings(tls)
        // Taken first: a file that changes meanwhile is read again.
        let found = Self.stamps(of: next)
        do {
            let context = try TLSContext(next, tickets: tickets)
            return Reading(settings: next, context: context, stamps: found)
        } catch {
            throw Composition.StartError(description: "[\(section.rawValue).tls] \(error)")
        }
    }

    /// What all listeners find, read before anything of it is in force.
    static func read(
        _ configuration: Configuration, _ watches: [CertificateWatch]
    ) throws(Composition.StartError) -> [(watch: CertificateWatch, reading: Reading)] {
        var readings: [(watch: CertificateWatch, reading: Reading)] = []
        for watch in watches {
            if let reading = try watch.read(configuration) { readings.append((watch, reading)) }
        }
        return readings
    }

    /// Puts all of it in force; returns what that changes, for people.
    static func adopt(_ readings: [(watch: CertificateWatch, reading: Reading)]) -> [String] {
        readings.compactMap { $0.watch.adopt($0.reading) }
    }

    /// Puts a reading in force; returns what it changes, for people.
    private func adopt(_ reading: Reading) -> String? {
        let (context, end) = (identity.current, ends)
        let next = reading.context
        stamps = reading.stamps
        take(next, reading.settings)
        var changes: [String] = []
        if next.names != context.names {
            changes.append(
                "certificate \(context.names) until \(end), now \(next.names) until \(ends)")
        }
        if next.policy != context.policy { changes.append("other authorities of clients") }
        return changes.isEmpty
            ? nil : "\(section.rawValue).tls: \(changes.joined(separator: "; "))"
    }

    private func take(_ context: TLSContext, _ next: TLSSettings) {
        identity.replace(by: context)
        settings = next
        endsAt = context.expiresAt
        metrics.set(section.rawValue, endsAt)
        logger.notice(
            "certificates read",
            metadata: ["section": "\(section.rawValue)", "ends": "\(ends)"])
        warnOfExpiry()
    }

    private func load(_ next: TLSSettings) {
        do {
            take(try TLSContext(next, tickets: tickets), next)
        } catch {
            logger.error(
                "certificates refused, those before stay",
                metadata: ["section": "\(section.rawValue)", "fault": "\(error)"])
        }
    }

    /// When the first certificate ends, for people.
    private var ends: String { Timestamp.text(microseconds: endsAt * 1_000_000) }

    private func warnOfExpiry() {
        guard endsAt - time(nil) < Self.warnedBefore else { return }
        logger.warning(
            "a certificate ends within 14 days",
            metadata: ["section": "\(section.rawValue)", "ends": "\(ends)"])
    }

    /// What differs between a file and the one that stood at its path before.
    private static func stamps(of settings: TLSSettings) -> [String] {
        settings.files.map { path in
            var status = stat()
            guard unsafe stat(path, &status) == 0 else { return "none" }
            let time = status.st_mtim
            return "\(path) \(status.st_ino) \(status.st_size) \(time.tv_sec).\(time.tv_nsec)"
        }
    }
}

extension TLSSettings {
    /// A section of the configuration, which is checked.
    init(_ tls: ListenerTLS) {
        self.init(
            certificates: tls.certificates.map { Certificate(chain: $0.chain, key: $0.key) },
            clientAuthorities: tls.clientAuthorities,
            versionMin: Version(rawValue: tls.versionMin) ?? .tls13)
    }
}
