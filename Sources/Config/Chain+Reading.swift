import Dialects
import Primitives

extension Chain {
    static func read(_ reader: inout TableReader, _ vendors: [Vendor]) -> Chain {
        var chain = Chain(name: "", targets: [])
        reader.string("name", &chain.name)
        if chain.name.isEmpty {
            reader.error("name", "is required")
        } else if !reader.checkName(chain.name, of: "name") {
            chain.name = ""
        }
        reader.string("prefix", &chain.prefix)
        if !chain.prefix.isEmpty, !chain.prefix.hasPrefix("/") || chain.prefix.hasSuffix("/") {
            reader.error(
                "prefix", "must begin with a slash and not end in one, for example \"/team-a\"")
        }
        reader.strings("paths", &chain.paths)
        if chain.paths.isEmpty {
            reader.error("paths", "is empty, so that the chain serves nothing")
        }
        reader.strings("models", &chain.models)
        if chain.models.isEmpty {
            reader.error("models", "is empty, so that the chain serves nothing")
        }
        chain.readTargets(&reader, vendors)
        reader.integer("attempts", &chain.attempts, in: 0...100)
        reader.integer("retries", &chain.retries, in: 0...100)
        reader.bool("translate", &chain.translates)
        var policy = chain.translateLoss.rawValue
        reader.choice("translate_loss", &policy, LossPolicy.allCases.map(\.rawValue))
        chain.translateLoss = LossPolicy(rawValue: policy) ?? .declare
        reader.bool("tunnel", &chain.tunnel)
        reader.duration("heartbeat", &chain.heartbeat)
        reader.size("hold_bytes", &chain.holdBytes, atLeast: 0)
        reader.duration("hold_time", &chain.holdTime)
        reader.table("clocks") { chain.clocks.read(&$0) }
        reader.table("failover") { chain.failover.read(&$0) }
        return chain
    }

    private mutating func readTargets(_ reader: inout TableReader, _ vendors: [Vendor]) {
        let names = vendors.map(\.name)
        var targets: [Target] = []
        reader.tables("targets") { target in
            var vendor = ""
            target.string("vendor", &vendor)
            if vendor.isEmpty {
                target.error("vendor", "is required")
            } else if !names.contains(vendor) {
                let hint = nearest(to: vendor, in: names).map { "; did you mean \"\($0)\"?" }
                let list = names.sorted().joined(separator: ", ")
                target.error(
                    "vendor", "\"\(vendor)\" is not configured; known: \(list)\(hint ?? "")")
            }
            var model = ""
            target.string("model", &model)
            if !TableReader.isModelName(model) {
                target.error("model", "holds a byte that no model's name has")
            }
            if model.utf8.count > ModelName.bytesMax {
                target.error("model", "is longer than \(ModelName.bytesMax) bytes")
            }
            targets.append(Target(vendor: vendor, model: model.isEmpty ? nil : model))
        }
        self.targets = targets
        if targets.isEmpty { reader.error("targets", "is required and needs at least one target") }
    }
}

extension Chain.Clocks {
    mutating func read(_ reader: inout TableReader) {
        reader.duration("connect", &connect, allowsZero: false)
        reader.duration("first_content", &firstContent)
        reader.duration("idle", &idle)
        reader.duration("tunnel_idle", &tunnelIdle)
        reader.duration("content_idle", &contentIdle)
        reader.duration("total", &total)
    }
}

extension Chain.Failover {
    mutating func read(_ reader: inout TableReader) {
        reader.bool("connect", &connect)
        reader.bool("timeout", &timeout)
        reader.bool("reset", &reset)
        readStatuses(&reader)
        reader.bool("credential", &credential)
        reader.bool("stream_error", &streamError)
        reader.duration("cooldown", &cooldown)
        reader.renamed("bench", to: "cooldown")
        reader.renamed("bench_after", to: "cooldown_after")
        reader.integer("cooldown_after", &cooldownAfter, in: 1...1_000_000)
    }

    private mutating func readStatuses(_ reader: inout TableReader) {
        guard let node = reader.node("statuses") else { return }
        guard case .array(let elements) = node else {
            return reader.error(
                "statuses", "\(node.kind) where a list such as [429, \"5xx\"] is needed")
        }
        statuses = []
        for (index, element) in elements.enumerated() {
            switch element.content {
            case .integer(let code) where 400...599 ~= code:
                statuses.append("\(code)")
            case .string(let text) where text == "4xx" || text == "5xx":
                statuses.append(text)
            default:
                reader.error(
                    "statuses[\(index)]", "is no status; allowed: 400 to 599, \"4xx\", \"5xx\"")
            }
        }
    }
}
