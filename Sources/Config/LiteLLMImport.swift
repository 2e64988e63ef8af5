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
        /// What was not carried over, where nothing was.
        public var omissions: [Omission] = []
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
    private var retries: (count: Int, path: String)?

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
            throw Fault(
                description: "model_list holds no model that can be carried over",
                omissions: omissions)
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
        guard !name.contains("?") else {
            return omit(path, "its model_name holds a ?, which stands for any byte in a chain")
        }
        let owner: LiteLLMProvider
        do throws(LiteLLMProvider.Unsure) {
            owner = try LiteLLMProvider(
                target, custom: parameters["custom_llm_provider"]?.text)
        } catch {
            return omit(path, error.reason)
        }
        let (provider, model) = (owner.name, owner.model)
        guard Self.isWord(provider, and: "-_") else {
            return omit(path, "its provider is no name that a vendor can have")
        }
        guard TableReader.isModelName(model) else {
            return omit(path, "its model holds a byte that no model's name has")
        }
        let isWildcard = model.contains("*")
        // What a client asks for goes out as it is: LiteLLM would put the wildcard's part alone
        // into the name that the vendor gets.
        guard !isWildcard || model == name else {
            return omit(
                path,
                "a vendor gets the name that the client sends, which is not \(model) here: name "
                    + "its models one by one")
        }
        guard let base = base(owner, parameters, path) else { return }
        let credential = credential(parameters["api_key"]?.text, provider, path)
        nameOmitted(parameters, provider, path)
        let vendor = vendor(VendorKey(provider: provider, base: base, credential: credential))
        let deployment = Deployment(vendor: vendor, model: isWildcard ? "" : model)
        if let index = indexes[name] {
            deployments[index].list.append(deployment)
        } else {
            indexes[name] = deployments.count
            deployments.append((name, [deployment]))
        }
    }

    /// Names the parameters of a deployment that are not carried over.
    private mutating func nameOmitted(_ parameters: YAMLValue, _ provider: String, _ path: String) {
        for member in parameters.members {
            switch member.name {
            case "model", "api_key", "api_base", "custom_llm_provider": break
            case "base_url" where parameters["api_base"] == nil: break
            case "base_url":
                omit("\(path).litellm_params.base_url", "api_base stands beside it")
            case "api_version" where provider == "azure": break
            default:
                omit(
                    "\(path).litellm_params.\(member.name)",
                    Self.reason(ofParameter: member.name))
            }
        }
    }

    /// The base URL for OpenAI's clients; nil, and an omission, where there is none.
    private mutating func base(
        _ owner: LiteLLMProvider, _ parameters: YAMLValue, _ path: String
    ) -> String? {
        let provider = owner.name
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
        case _ where own != nil: return own.map(owner.endpoint)
        case _ where LiteLLMProvider.bases[provider] != nil:
            return LiteLLMProvider.bases[provider]
        default:
            omit(path, "provider \(provider) has no endpoint for OpenAI's clients known here")
            return nil
        }
    }

    /// Whether an address holds nothing but a scheme, a host and a path.
    private static func isPlain(_ address: String) -> Bool {
        address.utf8.allSatisfy { 0x21...0x7E ~= $0 && !"@?#\"'\\".utf8.contains($0) }
    }

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
            case "context_window_fallbacks", "content_policy_fallbacks":
                omit(path, "a client's own mistake does not move on to another model")
            case "default_fallbacks": addFallbacks(of: "*", member.value, path)
            case "fallbacks":
                for (index, map) in member.value.elements.enumerated() {
                    if map.members.isEmpty { omit("\(path)[\(index)]", "it names no model") }
                    for fallback in map.members {
                        addFallbacks(of: fallback.name, fallback.value, path)
                    }
                }
            case "num_retries": readRetries(member.value, path)
            default: omit(path, Self.reason(ofSetting: member.name))
            }
        }
    }

    private mutating func addFallbacks(of model: String, _ list: YAMLValue, _ path: String) {
        for element in list.elements {
            if let name = element.text {
                fallbacks[model, default: []].append(name)
            } else {
                omit("\(path).\(model)", "one of its fallbacks is no model's name")
            }
        }
        if list.elements.isEmpty { omit("\(path).\(model)", "it is no list of models") }
    }

    private mutating func readRetries(_ value: YAMLValue, _ path: String) {
        guard let count = value.text.flatMap({ Int($0) }), 0...100 ~= count else {
            return omit(path, "it is no number from 0 to 100")
        }
        // The router's own count stands before the one for all.
        let isRouters = path.hasPrefix("router_settings")
        if let other = retries {
            omit(isRouters ? other.path : path, "num_retries stands under router_settings, too")
            guard isRouters else { return }
        }
        retries = (count, path)
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

    // MARK: TOML

    /// The first chain that matches serves a request: names before wildcards, and of those the
    /// longer one first.
    private var inOrder: [(model: String, list: [Deployment])] {
        deployments.filter { !$0.model.contains("*") }
            + deployments.enumerated().filter { $0.element.model.contains("*") }
            .sorted {
                let (left, right) = ($0.element.model.utf8.count, $1.element.model.utf8.count)
                return left == right ? $0.offset < $1.offset : left > right
            }
            .map(\.element)
    }

    private mutating func write() {
        var lines = ["# From a config.yaml of LiteLLM's proxy. `weir check` says what it means."]
        for (key, name) in vendors {
            lines += [
                "", "[vendors.\(name)]", "dialect = \"openai\"",
                "base_url = \(Self.quote(key.base))",
                "credential = \(Self.quote(key.credential))",
            ]
        }
        for (model, own) in inOrder {
            var targets = own
            for name in fallbacks[model] ?? fallbacks["*"] ?? [] where name != model {
                guard let next = indexes[name], !name.contains("*") else {
                    omit("fallbacks.\(model)", "there is no model \(name) in model_list")
                    continue
                }
                targets += deployments[next].list.filter { !$0.model.isEmpty }
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
            if let retries, retries.count > 0 { lines.append("retries = \(retries.count)") }
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
