import ExchangeCore
import Glibc

/// The metrics of all workers in Prometheus' text format.
public struct Exposition: Sendable {
    private let workers: [WorkerMetrics]
    private let version: String
    private let failureClasses: [String]
    private let records: RecordSource?
    private let reloads: ReloadMetrics?
    private let certificates: CertificateMetrics?
    private let limits: @Sendable () -> [LimitMetrics]
    private let fleet: FleetSource?
    private let cooling: @Sendable () -> [String]

    /// An exposition of these workers' counters; `failureClasses` are the classes' names in order,
    /// `cooling` the vendors of the targets in cooldown.
    public init(
        workers: [WorkerMetrics], version: String, failureClasses: [String] = [],
        records: RecordSource? = nil, reloads: ReloadMetrics? = nil,
        certificates: CertificateMetrics? = nil,
        limits: @escaping @Sendable () -> [LimitMetrics] = { [] }, fleet: FleetSource? = nil,
        cooling: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.cooling = cooling
        self.fleet = fleet
        self.certificates = certificates
        self.limits = limits
        self.reloads = reloads
        self.workers = workers
        self.records = records
        self.failureClasses = failureClasses
        self.version = version
    }

    /// The text, version 0.0.4.
    public func text() -> String {
        var text = ""
        family("weir_build_info", "gauge", "The version that runs.", &text)
        text += "weir_build_info{version=\"\(version)\"} 1\n"
        configuration(&text)
        certificates(&text)
        connections(&text)
        exchanges(&text)
        latencies(&text)
        recording(&text)
        text += LimitMetrics.text(limits())
        text += fleet?.text() ?? ""
        process(&text)
        return text
    }

    private func configuration(_ text: inout String) {
        guard let reloads else { return }
        let name = "weir_config_reloads_total"
        family(name, "counter", "Readings of the configuration on SIGHUP.", &text)
        text += "\(name){result=\"applied\"} \(reloads.appliedCount.current)\n"
        text += "\(name){result=\"refused\"} \(reloads.refusedCount.current)\n"
        scalar(
            "weir_config_last_reload_successful", "gauge",
            "Whether the last reading could be used.", 1 - reloads.isLatestRefused.current, &text)
        scalar(
            "weir_config_in_force_timestamp_seconds", "gauge",
            "When the configuration applied last was read.", reloads.inForceSince.current / 1000,
            &text)
    }

    private func certificates(_ text: inout String) {
        let ends = certificates?.all ?? []
        guard !ends.isEmpty else { return }
        let name = "weir_certificate_expiry_timestamp_seconds"
        family(name, "gauge", "When a listener's first certificate ends.", &text)
        for (listener, seconds) in ends {
            text += "\(name){listener=\"\(listener)\"} \(seconds)\n"
        }
    }

    private func connections(_ text: inout String) {
        let accepted = sum { $0.accepted }
        scalar(
            "weir_connections_accepted_total", "counter", "Client connections accepted.", accepted,
            &text)
        scalar(
            "weir_connections_open", "gauge", "Client connections open.",
            accepted - sum { $0.closed },
            &text
        )
        scalar(
            "weir_connections_turned_away_total", "counter",
            "Connections beyond max_connections, or beyond max_connections_per_address.",
            sum { $0.turnedAway }, &text
        )
        scalar(
            "weir_requests_refused_total", "counter", "Requests refused before a vendor was asked.",
            sum { $0.refused }, &text
        )
        scalar(
            "weir_accept_pauses_total", "counter", "Pauses of accepting while descriptors ran out.",
            sum { $0.acceptPauses }, &text
        )
        scalar(
            "weir_connections_gave_way_total", "counter",
            "Resting connections closed because descriptors ran out.", sum { $0.gaveWay }, &text
        )
        handshakes(&text)
        scalar(
            "weir_undelivered_bytes_total", "counter", "Response bytes whose client went away.",
            sum { $0.undeliveredBytes }, &text
        )
        scalar(
            "weir_withheld_bodies_total", "counter",
            "Bodies whose rest is in no record: it could not be redacted.",
            sum { $0.withheldBodies }, &text
        )
        scalar(
            "weir_tunnels_total", "counter", "WebSockets that vendors have opened.",
            sum { $0.tunnels }, &text
        )
        scalar(
            "weir_detached_answers_total", "counter",
            "Answers that went on after their client, for the record.", sum { $0.detached }, &text
        )
        scalar(
            "weir_loop_turns_total", "counter", "Turns of the event loops.", sum { $0.turns }, &text
        )
    }

    private func handshakes(_ text: inout String) {
        family("weir_tls_handshakes_total", "counter", "Handshakes of TLS, by their end.", &text)
        let resumed = sum { $0.handshakesResumed }
        for (result, count) in [
            ("full", sum { $0.handshakes } - resumed), ("resumed", resumed),
            ("failed", sum { $0.handshakesFailed }), ("plain_http", sum { $0.plainOnTLS }),
            ("on_plain_port", sum { $0.tlsOnPlain }),
        ] {
            text += "weir_tls_handshakes_total{result=\"\(result)\"} \(count)\n"
        }
        scalar(
            "weir_tls_floods_total", "counter",
            "Connections ended for too many KeyUpdates or renegotiations.",
            sum { $0.handshakeFloods }, &text
        )
    }

    private func exchanges(_ text: inout String) {
        family("weir_exchanges_in_flight", "gauge", "Exchanges begun and not ended.", &text)
        eachVendor { name, metrics in
            let begun = metrics.reduce(0) { $0 + $1.started.current }
            let ended = metrics.reduce(0) { $0 + $1.outcomes.reduce(0) { $0 + $1.current } }
            let moved = metrics.reduce(0) { $0 + $1.movedOn.current }
            text += "weir_exchanges_in_flight{vendor=\"\(name)\"} \(begun - ended - moved)\n"
        }
        family("weir_exchanges_total", "counter", "Exchanges ended, by outcome.", &text)
        eachVendor { name, metrics in
            for (index, outcome) in VendorMetrics.outcomeNames.enumerated() {
                let count = metrics.reduce(0) { $0 + $1.outcomes[index].current }
                let labels = "vendor=\"\(name)\",outcome=\"\(outcome)\""
                text += "weir_exchanges_total{\(labels)} \(count)\n"
            }
        }
        family(
            "weir_responses_total", "counter", "Response heads relayed, by class of status.", &text)
        eachVendor { name, metrics in
            for digit in 2..<6 {
                let count = metrics.reduce(0) { $0 + $1.statusClasses[digit].current }
                text += "weir_responses_total{vendor=\"\(name)\",status=\"\(digit)xx\"} \(count)\n"
            }
        }
        perVendor("weir_attempts_total", "Attempts made.", &text) { $0.attempts }
        family(
            "weir_attempt_failures_total", "counter",
            "Attempts that failed before anything went out, by class.", &text
        )
        eachVendor { name, metrics in
            for (index, failure) in failureClasses.enumerated() {
                let count = metrics.reduce(0) { $0 + $1.attemptFailures[index].current }
                let labels = "vendor=\"\(name)\",class=\"\(failure)\""
                text += "weir_attempt_failures_total{\(labels)} \(count)\n"
            }
        }
        perVendor("weir_failovers_total", "Exchanges that went on to another vendor.", &text) {
            $0.movedOn
        }
        perVendor("weir_cooldowns_total", "Cooldowns of a vendor's targets.", &text) {
            $0.cooldowns
        }
        family("weir_targets_cooling", "gauge", "Targets in cooldown.", &text)
        let vendors = cooling().map(Label.escaped)
        eachVendor { name, _ in
            let count = vendors.reduce(0) { $0 + ($1 == name ? 1 : 0) }
            text += "weir_targets_cooling{vendor=\"\(name)\"} \(count)\n"
        }
        perVendor("weir_stale_retries_total", "Requests repeated on a fresh connection.", &text) {
            $0.staleRetries
        }
        perVendor("weir_response_bytes_total", "Bytes of response bodies relayed.", &text) {
            $0.responseBytes
        }
        perVendor("weir_request_bytes_total", "Bytes of request bodies relayed.", &text) {
            $0.requestBytes
        }
    }

    private func latencies(_ text: inout String) {
        histogram("weir_response_head_seconds", "From the request's end to the head.", &text) {
            $0.headLatency
        }
        histogram(
            "weir_failed_attempt_seconds", "From an attempt's beginning to its failure.", &text
        ) { $0.failedAttempt }
        histogram("weir_hold_seconds", "From a held head to its first content.", &text) {
            $0.held
        }
        histogram("weir_exchange_seconds", "From the request's end to the response's.", &text) {
            $0.duration
        }
    }

    private func recording(_ text: inout String) {
        guard let records else { return }
        let metrics = records.metrics
        scalar(
            "weir_records_failing", "gauge", "Whether records cannot be stored now.",
            metrics.currentTrouble.isEmpty ? 0 : 1, &text
        )
        // Read before what is emitted, so that nothing seems stored that was not.
        let stored = metrics.stored.current
        let lost = metrics.lost.current
        var counts = records.counts()
        // Without a journal every exchange needs a record and never gets one.
        let unrecorded = sum { $0.unrecorded }
        counts.emitted += unrecorded
        counts.dropped += unrecorded
        counter("weir_records_emitted_total", "Exchanges that owe a record.", counts.emitted, &text)
        counter("weir_records_stored_total", "Records in the store.", stored, &text)
        counter(
            "weir_records_dropped_total", "Exchanges without a record.", counts.dropped + lost,
            &text)
        scalar(
            "weir_records_pending", "gauge", "Exchanges in flight or on their way to the store.",
            counts.emitted - stored - counts.dropped - lost, &text
        )
        counter(
            "weir_records_recovered_total", "Records that an earlier process left behind.",
            metrics.recovered.current, &text)
        counter(
            "weir_records_retired_total", "Records taken out because of their age.",
            metrics.retired.current, &text)
        counter(
            "weir_record_segments_evicted_total",
            "Segments with bodies taken away because of log.max_size.",
            metrics.evictedSegments.current, &text)
        counter(
            "weir_record_segments_missing_total",
            "Segments with bodies that are gone and were not taken away by the gateway.",
            metrics.missingSegments.current, &text)
        losses(metrics, &text)
        counter(
            "weir_record_pieces_dropped_total", "Pieces of bodies without room in a journal.",
            counts.droppedFrames, &text)
        counter(
            "weir_record_piece_bytes_dropped_total", "Bytes of those.", counts.droppedBytes, &text)
        counter(
            "weir_journal_damage_total", "Runs of bytes in journals that were no frames.",
            metrics.damage.current, &text)
        counter(
            "weir_store_transactions_total", "Transactions of the store.",
            metrics.transactions.current, &text)
        counter(
            "weir_store_failures_total", "Transactions that failed and were tried again.",
            metrics.failures.current, &text)
        sinks(records.sinks, &text)
        text += metrics.usage.text()
    }

    private func losses(_ metrics: RecordMetrics, _ text: inout String) {
        let (new, known) = (metrics.newLosses.current, metrics.acknowledgedLosses.current)
        scalar("weir_record_losses", "gauge", "Losses that are not acknowledged.", new, &text)
        scalar("weir_record_losses_acknowledged", "gauge", "Those that are.", known, &text)
    }

    private func sinks(_ sinks: [SinkMetrics], _ text: inout String) {
        guard !sinks.isEmpty else { return }
        func each(
            _ name: String, _ type: String, _ help: String, _ value: (SinkMetrics) -> Int
        ) {
            family(name, type, help, &text)
            for sink in sinks {
                text += "\(name){sink=\"\(Label.escaped(sink.name))\"} \(value(sink))\n"
            }
        }
        each("weir_sink_delivered_total", "counter", "Records a sink took.") {
            $0.delivered.current
        }
        each("weir_sink_quarantined_total", "counter", "Records a sink will never take.") {
            $0.quarantined.current
        }
        each("weir_sink_skipped_total", "counter", "Records gone before a sink had them.") {
            $0.skipped.current
        }
        each("weir_sink_failures_total", "counter", "Deliveries that failed.") {
            $0.failures.current
        }
        each("weir_sink_pending", "gauge", "Records that wait for a sink.") {
            max(0, $0.newest.current - $0.number.current)
        }
        each("weir_sink_failing", "gauge", "Whether a sink takes nothing now.") {
            $0.currentTrouble.isEmpty ? 0 : 1
        }
    }

    private func counter(_ name: String, _ help: String, _ value: Int, _ text: inout String) {
        scalar(name, "counter", help, value, &text)
    }

    private func process(_ text: inout String) {
        scalar("process_open_fds", "gauge", "Open descriptors.", openDescriptors(), &text)
        scalar(
            "process_resident_memory_bytes", "gauge", "Resident memory.", residentBytes(), &text
        )
    }

    private func sum(_ counter: (WorkerMetrics) -> Counter) -> Int {
        workers.reduce(0) { $0 + counter($1).current }
    }

    private func eachVendor(_ body: (String, [VendorMetrics]) -> Void) {
        // A worker that has not adopted the latest snapshot may lack a vendor.
        let every = workers.map(\.vendors)
        var names: [String] = []
        for vendor in every.joined() where !names.contains(vendor.vendor) {
            names.append(vendor.vendor)
        }
        for name in names {
            let metrics = every.compactMap { $0.first { $0.vendor == name } }
            body(Label.escaped(name), metrics)
        }
    }

    private func perVendor(
        _ name: String, _ help: String, _ text: inout String, _ counter: (VendorMetrics) -> Counter
    ) {
        family(name, "counter", help, &text)
        eachVendor { vendor, metrics in
            text +=
                "\(name){vendor=\"\(vendor)\"} \(metrics.reduce(0) { $0 + counter($1).current })\n"
        }
    }

    private func histogram(
        _ name: String, _ help: String, _ text: inout String,
        _ pick: (VendorMetrics) -> DurationHistogram
    ) {
        family(name, "histogram", help, &text)
        eachVendor { vendor, metrics in
            let counts = metrics.map { pick($0).counts }
            var total = 0
            for (index, bound) in (DurationHistogram.boundsSeconds + [.infinity]).enumerated() {
                total += counts.reduce(0) { $0 + $1[index] }
                let label = bound.isFinite ? "\(bound)" : "+Inf"
                text += "\(name)_bucket{vendor=\"\(vendor)\",le=\"\(label)\"} \(total)\n"
            }
            let seconds = metrics.reduce(0) { $0 + pick($1).sumSeconds }
            text += "\(name)_sum{vendor=\"\(vendor)\"} \(seconds)\n"
            text += "\(name)_count{vendor=\"\(vendor)\"} \(total)\n"
        }
    }

    private func scalar(
        _ name: String, _ type: String, _ help: String, _ value: Int, _ text: inout String
    ) {
        family(name, type, help, &text)
        text += "\(name) \(value)\n"
    }

    private func family(_ name: String, _ type: String, _ help: String, _ text: inout String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private func openDescriptors() -> Int {
        guard let folder = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(folder) }
        var count = -3  // ".", ".." and the descriptor of this folder
        while unsafe readdir(folder) != nil { count += 1 }
        return count
    }

    private func residentBytes() -> Int {
        guard let file = unsafe fopen("/proc/self/statm", "r") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let text = String(
            decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
