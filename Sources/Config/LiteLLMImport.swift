import Dialects

/// A configuration of LiteLLM's proxy as one of Weir's, as far as the two have the same.
///
/// Its models become chains, in the order of the file: a model's deployments, then those of its
/// fallbacks. What is not carried over is named, with the reason; nothing is left out in silence.
public struct LiteLLMImport: Sendable {
    /// Something that was not carried over.
    public struct Omission: Equatable, Sendable, CustomStringConvertible {
        /// Where it stands.
        public let path: String
        /// Why it was left out.
        public let reason: String

        /// Both.
        public var description: String { "\(path): \(reason)" }
    }

    /// Why a text is no configuration.
    public struct Fault: Error, CustomStringConvertible {
        /// What is wrong, with the line.
        public let description: String
    }

    /// The configuration in TOML.
    public private(set) var toml = ""
    /// What is not in it.
    public private(set) var omissions: [Omission] = []

    private struct Deployment {
        let vendor: String
        let model: String
    }

    private struct VendorKey: Hashable {
        let provider: String
        let base: String
        let credential: String
    }

    private var vendors: [(key: VendorKey, name: String)] = []
    private var vendorNames: [VendorKey: String] = [:]
    /// How many vendors a provider has.
    private var counts: [String: Int] = [:]
    private var deployments: [(model: String, list: [Deployment])] = []
    /// Where a model's deployments are.
    private var indexes: [String: Int] = [:]
    private var fallbacks: [String: [String]] = [:]
    private var retries = 0

    /// Reads a `config.yaml`.
    public init(_ text: String) throws(Fault) {
        let root: YAMLValue
        do {
            root = try YAMLReader.read(text)
        } catch {
            throw Fault(description: error.description)
        }
        for member in root.members {
            switch member.name {
            case "model_list":
                for (index, model) in member.value.elements.enumerated() {
                    readModel(model, "model_list[\(index)]")
                }
            case "litellm_settings", "router_settings": readSettings(member)
            case "environment_variables":
                omit(member.name, "variables are set where Weir is started")
            case "general_settings": readGeneral(member)
            default: omit(member.name, "Weir has nothing of this name")
            }
        }
        guard !deployments.isEmpty else {
            throw Fault(description: "model_list holds no model that can be carried over")
        }
        write()
    }

    /// Names what is left out.
    ///
    /// Names of the file stand in it, which go to a terminal, and into comments: a line's end would
    /// end a comment.
    private mutating func omit(_ path: String, _ reason: String) {
        omissions.append(Omission(path: Self.printable(path), reason: Self.printable(reason)))
    }

    private static func printable(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else { return text }
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { sign in
                    switch sign.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: "?"
                    default: sign
                    }
                }))
    }

    private static func isWord(_ text: String, and signs: String) -> Bool {
        1...64 ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: signs.utf8.contains(byte)
                }
            }
    }

    // MARK: Models

    private mutating func readModel(_ model: YAMLValue, _ path: String) {
        guard let name = model["model_name"]?.text, let parameters = model["litellm_params"],
            let target = parameters["model"]?.text
        else { return omit(path, "it lacks model_name, litellm_params or the model in them") }
        for member in model.members
        where member.name != "model_name" && member.name != "litellm_params" {
            omit("\(path).\(member.name)", Self.reason(ofModelMember: member.name))
        }
        guard TableReader.isName(name) else {
            return omit(
                path, "its model_name is more than 64 bytes long, or no name that a chain can have")
        }
        let slash = target.firstIndex(of: "/")
        let provider = slash.map { String(target[..<$0]) } ?? "openai"
        let model = slash.map { String(target[target.index(after: $0)...]) } ?? target
        guard Self.isWord(provider, and: "-_") else {
            return omit(path, "its provider is no name that a vendor can have")
        }
        guard TableReader.isModelName(model) else {
            return omit(path, "its model holds a byte that no model's name has")
        }
        guard let base = base(provider, parameters, path) else { return }
        let credential = credential(parameters["api_key"]?.text, provider, path)
        for member in parameters.members {
            switch member.name {
            case "model", "api_key", "api_base", "base_url": break
            case "api_version" where provider == "azure": break
            default:
                omit(
                    "\(path).litellm_params.\(member.name)",
                    Self.reason(ofParameter: member.name))
            }
        }
        let vendor = vendor(VendorKey(provider: provider, base: base, credential: credential))
        let isWildcard = model.contains("*")
        let deployment = Deployment(vendor: vendor, model: isWildcard ? "" : model)
        if let index = indexes[name] {
            deployments[index].list.append(deployment)
        } else {
            indexes[name] = deployments.count
            deployments.append((name, [deployment]))
        }
    }

    /// The base URL for OpenAI's clients; nil, and an omission, where there is none.
    private mutating func base(
        _ provider: String, _ parameters: YAMLValue, _ path: String
    ) -> String? {
        var own = parameters["api_base"]?.text ?? parameters["base_url"]?.text
        if let name = own.flatMap(Self.variable) {
            omit("\(path).litellm_params.api_base", "set base_url to the value of \(name)")
            own = nil
        }
        while own?.last == "/" { own?.removeLast() }
        // It may hold a key: before the host, or in the query.
        guard own.map(Self.isPlain) ?? true else {
            omit(path, "its api_base has more than a host and a path; write it under a vendor")
            return nil
        }
        switch provider {
        case "azure", "azure_ai":
            guard let own else {
                omit(path, "an Azure deployment needs its api_base")
                return nil
            }
            let version = parameters["api_version"]?.text ?? "preview"
            guard Self.isWord(version, and: "-.") else {
                omit(path, "its api_version is none")
                return nil
            }
            return own.hasSuffix("/v1")
                ? own : "\(own)/openai/v1?api-version=\(version)"
        case _ where Self.bases[provider] != nil: return own ?? Self.bases[provider]
        case _ where own != nil: return own
        default:
            omit(path, "provider \(provider) has no endpoint for OpenAI's clients known here")
            return nil
        }
    }

    /// Whether an address holds nothing but a scheme, a host and a path.
    private static func isPlain(_ address: String) -> Bool {
        address.utf8.allSatisfy { 0x21...0x7E ~= $0 && !"@?#\"'\\".utf8.contains($0) }
    }

    /// The endpoints for OpenAI's clients, by LiteLLM's names of their providers.
    private static let bases = [
        "openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com/v1",
        "gemini": "https://generativelanguage.googleapis.com/v1beta/openai",
        "groq": "https://api.groq.com/openai/v1", "mistral": "https://api.mistral.ai/v1",
        "deepseek": "https://api.deepseek.com/v1", "xai": "https://api.x.ai/v1",
        "openrouter": "https://openrouter.ai/api/v1",
        "together_ai": "https://api.together.xyz/v1",
        "fireworks_ai": "https://api.fireworks.ai/inference/v1",
        "perplexity": "https://api.perplexity.ai", "cerebras": "https://api.cerebras.ai/v1",
        "ollama": "http://127.0.0.1:11434/v1", "ollama_chat": "http://127.0.0.1:11434/v1",
    ]

    /// The credential as Weir writes it.
    private mutating func credential(
        _ key: String?, _ provider: String, _ path: String
    ) -> String {
        let common =
            "env:" + provider.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
            + "_API_KEY"
        guard let key else {
            let isLocal = provider.hasPrefix("ollama") || provider == "hosted_vllm"
            return isLocal ? "none" : common
        }
        if let name = Self.variable(key) { return "env:\(name)" }
        omit(
            "\(path).litellm_params.api_key",
            "a key is not copied; it is read from a variable of the environment")
        return common
    }

    /// The variable that a value names.
    private static func variable(_ text: String) -> String? {
        guard text.hasPrefix("os.environ/") else { return nil }
        let name = String(text.dropFirst(11))
        return isWord(name, and: "_") ? name : nil
    }

    private mutating func vendor(_ key: VendorKey) -> String {
        if let known = vendorNames[key] { return known }
        // The name of a built-in vendor would change that one.
        var name =
            ["openai", "anthropic", "gemini"].contains(key.provider)
            ? "\(key.provider)-api" : key.provider
        let stem = name
        while counts[name] != nil {
            counts[stem, default: 1] += 1
            name = "\(stem)-\(counts[stem, default: 1])"
        }
        counts[name] = 1
        vendorNames[key] = name
        vendors.append((key, name))
        return name
    }

    // MARK: Settings

    private mutating func readSettings(_ section: YAMLValue.Member) {
        for member in section.value.members {
            let path = "\(section.name).\(member.name)"
            switch member.name {
            case "fallbacks", "context_window_fallbacks", "content_policy_fallbacks",
                "default_fallbacks":
                guard member.name == "fallbacks" else {
                    omit(path, "a client's own mistake does not move on to another model")
                    continue
                }
                for map in member.value.elements {
                    for fallback in map.members {
                        fallbacks[fallback.name, default: []] +=
                            fallback.value.elements.compactMap(\.text)
                    }
                }
            case "num_retries":
                retries = member.value.text.flatMap(Int.init).map { min(max($0, 0), 100) } ?? 0
            default: omit(path, Self.reason(ofSetting: member.name))
            }
        }
    }

    private mutating func readGeneral(_ section: YAMLValue.Member) {
        for member in section.value.members {
            let reason =
                member.name == "master_key"
                ? "a client's key of LiteLLM's is none of Weir's"
                : "Weir has nothing of this name"
            omit("\(section.name).\(member.name)", reason)
        }
    }

    private static func reason(ofModelMember name: String) -> String {
        name == "model_info"
            ? "prices come from [prices]; the rest is not needed" : "Weir has nothing of this name"
    }

    private static func reason(ofParameter name: String) -> String {
        switch name {
        case "rpm", "tpm", "max_parallel_requests", "weight", "order":
            "targets are tried in their order; limits are those of callers"
        case "timeout", "stream_timeout", "max_retries":
            "clocks and retries are a chain's: [chains.clocks], retries"
        case "temperature", "max_tokens", "top_p", "drop_params", "extra_body", "system_prompt":
            "requests are not changed but for their model"
        case "extra_headers", "organization": "write it under headers of the vendor"
        default: "Weir has nothing of this name"
        }
    }

    private static func reason(ofSetting name: String) -> String {
        switch name {
        case "request_timeout", "timeout": "clocks are a chain's: [chains.clocks]"
        case "routing_strategy", "enable_pre_call_checks", "allowed_fails", "cooldown_time":
            "targets are tried in their order; see [chains.failover] for cooldown"
        case "callbacks", "success_callback", "failure_callback", "service_callback":
            "every call is recorded; [sinks] send records on"
        case "cache", "cache_params": "answers are not cached"
        case "drop_params", "modify_params": "requests are not changed but for their model"
        case "model_group_alias": "an alias is a chain of its own, with the models it stands for"
        case "redis_host", "redis_port", "redis_password": "a replica needs no other's state"
        default: "Weir has nothing of this name"
        }
    }

    // MARK: TOML

    private mutating func write() {
        var lines = ["# From a config.yaml of LiteLLM's proxy. `weir check` says what it means."]
        for (key, name) in vendors {
            lines += [
                "", "[vendors.\(name)]", "dialect = \"openai\"",
                "base_url = \(Self.quote(key.base))",
                "credential = \(Self.quote(key.credential))",
            ]
        }
        for (model, own) in deployments {
            var targets = own
            for name in fallbacks[model] ?? fallbacks["*"] ?? [] where name != model {
                guard let next = indexes[name] else {
                    omit("fallbacks.\(model)", "there is no model \(name) in model_list")
                    continue
                }
                targets += deployments[next].list
            }
            lines += [
                "", "[[chains]]", "name = \(Self.quote(model))",
                "models = [\(Self.quote(model))]", "targets = [",
            ]
            for target in targets {
                let model = target.model.isEmpty ? "" : ", model = \(Self.quote(target.model))"
                lines.append("  { vendor = \(Self.quote(target.vendor))\(model) },")
            }
            lines.append("]")
            if retries > 0 { lines.append("retries = \(retries)") }
        }
        for name in fallbacks.keys.sorted()
        where name != "*" && indexes[name] == nil {
            omit("fallbacks.\(name)", "there is no such model in model_list")
        }
        lines += [""] + omissions.map { "# not carried over: \($0.description)" }
        toml = lines.joined(separator: "\n") + "\n"
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for sign in text.unicodeScalars {
            switch sign {
            case "\"", "\\": quoted += "\\\(sign)"
            case _ where sign.value < 0x20 || sign.value == 0x7F:
                let digits = String(sign.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(sign)
            }
        }
        return quoted + "\""
    }
}
