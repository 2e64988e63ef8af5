import Config
import Cryptography
import Dialects
import Glibc
import Journal
import LogStore
import Primitives
import Reactor
import Routing
import Transfers

/// What would stop `weir serve` on this machine, or is probably not meant: found without a start.
enum StartObstacle {
    /// What the files that a configuration names hold against it: no start succeeds anywhere.
    static func faults(of configuration: Configuration) -> [String] {
        var faults: [String] = []
        for (section, tls) in [
            ("server.tls", configuration.server.tls), ("admin.tls", configuration.admin.tls),
        ] where tls.isOn {
            do {
                _ = try TLSContext(TLSSettings(tls), tickets: TicketKeys())
            } catch {
                faults.append("[\(section)] \(error)")
            }
        }
        do {
            _ = try Prices.table(configuration)
        } catch {
            faults.append("\(error)")
        }
        for vendor in configuration.vendors where !vendor.caFile.isEmpty {
            do {
                _ = try TrustStore(file: vendor.caFile)
            } catch {
                faults.append("vendors.\(vendor.name).ca_file: \(error)")
            }
        }
        if let fault = limits(configuration.limits) { faults.append(fault) }
        if let keys = configuration.access.tokens?.keys, let fault = IssuerWatch.fault(of: keys) {
            faults.append(fault)
        }
        return faults
    }

    /// Why the store of shared limits cannot be trusted; nil where it can, or where it is the one
    /// of before.
    static func limits(
        _ limits: LimitStoreSettings, after before: LimitStoreSettings? = nil
    ) -> String? {
        guard limits.store?.isEncrypted == true, limits != before else { return nil }
        do {
            _ = try TrustStore(file: limits.caFile)
            return nil
        } catch {
            return "limits.ca_file: \(error)"
        }
    }

    /// What would stop a start on this machine at this moment, or let it run without a record.
    ///
    /// Where a gateway runs with the same folder its ports are not tried: they are its own.
    static func present(_ configuration: Configuration) -> [String] {
        stops(configuration).map { "serve would fail: \($0)" } + unrecorded(configuration)
    }

    private static func unrecorded(_ configuration: Configuration) -> [String] {
        let folder = configuration.log.path
        guard JournalFolder.obstacle(to: folder) == nil,
            let reason = RecordObstacle.reason(configuration)
        else { return [] }
        // Who is let in stands in the record, too.
        let isRefused = Store.mayHoldKeys(in: folder) && !configuration.asksForKeys
        let consequence = isRefused ? ", and each refused, since keys may be needed" : ""
        return ["calls would not be recorded\(consequence): log.path: \(reason)"]
    }

    private static func stops(_ configuration: Configuration) -> [String] {
        var found: [String] = []
        let folder = JournalFolder.obstacle(to: configuration.log.path)
        if let folder { found.append("log.path: \(folder.description)") }
        guard folder?.isInUse != true else { return found }
        for (key, listen) in configuration.server.listen.map({ ("server.listen", $0) })
            + [("admin.listen", configuration.admin.listen)] where !listen.isEmpty
        {
            if let reason = refusal(of: listen) { found.append("\(key): \(listen): \(reason)") }
        }
        return found
    }

    /// Why an address cannot be listened on; nil where it can.
    private static func refusal(of listen: String) -> String? {
        guard let address = SocketAddress(listen) else { return "is no address" }
        if address.isLocalPath {
            let path = listen.dropFirst("unix:".count)
            let parent = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
            guard unsafe access(parent.isEmpty ? "/" : parent, W_OK) == 0 else {
                return "\(parent): \(unsafe String(cString: strerror(errno)))"
            }
        }
        do {
            if address.isLocalPath {
                try Socket.requireFree(atPath: String(listen.dropFirst("unix:".count)), address)
            } else {
                try Socket.requireFree(address)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// What is probably not meant.
    static func doubts(_ configuration: Configuration) -> [String] {
        var doubts: [String] = []
        let now = Int(Identifier.wallClockMilliseconds()) * 1000
        for key in configuration.keys where key.expires.map({ $0 <= now }) ?? false {
            doubts.append("keys.\(key.name).expires: has passed, so that the key is refused")
        }
        for cover in ChainCover.all(in: configuration.chains) {
            doubts.append(
                "chains.\(cover.shadowed): no request reaches it, because chain \(cover.by) before "
                    + "it takes them all")
        }
        let processors = Reactor.Thread.processorCount
        if configuration.server.workers > processors {
            doubts.append(
                "server.workers: \(configuration.server.workers) workers share \(processors) "
                    + "processors; more of them than processors make every call slower")
        }
        let folder = configuration.log.path
        return doubts + configuration.sinks.compactMap { doubt($0, folder) }
            + moneyDoubts(configuration)
    }

    /// Why a sink would take no records, or harm them, though the gateway serves; `folder` is the
    /// record's.
    private static func doubt(_ sink: SinkSettings, _ folder: String) -> String? {
        if sink.kind == .jsonl {
            guard sink.path != "-", let reason = doubt(path: sink.path, folder) else { return nil }
            return "sinks.\(sink.name).path: \(sink.path): \(reason)"
        }
        guard sink.url.hasPrefix("https://") else { return nil }
        do {
            _ = try TrustStore(file: sink.caFile)
            return nil
        } catch {
            return "sinks.\(sink.name).ca_file: \(error)"
        }
    }

    private static func doubt(path: String, _ folder: String) -> String? {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let isBesideRecord = parent == folder
        let name = path.split(separator: "/").last ?? ""
        if isBesideRecord, name.hasPrefix("weir.db") || ["lock", "segments"].contains(name) {
            return "is the record's own"
        }
        guard unsafe access(path, W_OK) != 0 else { return nil }
        // The file is made where it is not there, and so is the record's folder.
        if errno == ENOENT, isBesideRecord || isWritable(parent) { return nil }
        return unsafe String(cString: strerror(errno))
    }

    private static func isWritable(_ folder: String) -> Bool {
        unsafe access(folder.isEmpty ? "/" : folder, W_OK) == 0
    }

    private static func moneyDoubts(_ configuration: Configuration) -> [String] {
        var doubts: [String] = []
        let hasPrices = !configuration.prices.models.isEmpty || !configuration.prices.file.isEmpty
        guard hasPrices else { return doubts }
        let silent = configuration.vendors.filter { vendor in
            vendor.dialect == .openai && vendor.includeUsage == .client
                && (configuration.chains.isEmpty
                    || configuration.chains.contains { chain in
                        chain.targets.contains { $0.vendor == vendor.name }
                    })
        }
        for vendor in silent {
            doubts.append(
                "vendors.\(vendor.name).include_usage: there are [prices], and streams whose "
                    + "client does not ask for usage have no cost; \"inject\" asks for it")
        }
        return doubts
    }
}
