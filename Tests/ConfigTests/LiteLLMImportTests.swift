import Config
import Testing

@Suite("A configuration of LiteLLM's")
struct LiteLLMImportTests {
    private static let yaml = """
        model_list:
          - model_name: gpt-4o
            litellm_params:
              model: openai/gpt-4o
              api_key: os.environ/OPENAI_API_KEY
              rpm: 500
          - model_name: gpt-4o
            litellm_params:
              model: azure/my-gpt-4o   # a deployment
              api_base: https://res.openai.azure.com/
              api_key: "os.environ/AZURE_KEY"
              api_version: "2025-01-01"
            model_info: {mode: chat}
          - model_name: claude
            litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-ant-written-down}
          - model_name: local
            litellm_params: {model: ollama/qwen3}
          - model_name: nova
            litellm_params: {model: bedrock/amazon.nova-pro}
          - model_name: "groq/*"
            litellm_params: {model: "groq/*", api_key: os.environ/GROQ}
        litellm_settings:
          num_retries: 2
          fallbacks: [{"gpt-4o": ["claude", "missing"]}]
          drop_params: true
          callbacks: ["otel"]
        general_settings:
          master_key: sk-1234
        other: 1
        """

    @Test("becomes vendors and chains that Weir reads")
    func chains() throws {
        let result = try LiteLLMImport(Self.yaml)
        let secrets = SecretSource(environment: { "sk-\($0)" }, file: { _ in nil })
        let (configuration, warnings) = try Configuration.read(
            result.toml, file: "a", secrets: secrets)
        #expect(warnings.isEmpty)
        let chains = configuration.chains.map { chain in
            "\(chain.name) \(chain.retries): "
                + chain.targets.map { "\($0.vendor)/\($0.model ?? "-")" }.joined(separator: " ")
        }
        #expect(
            chains == [
                "gpt-4o 2: openai-api/gpt-4o azure/my-gpt-4o anthropic-api/claude-sonnet-4-5",
                "claude 2: anthropic-api/claude-sonnet-4-5", "local 2: ollama/qwen3",
            ])
        #expect(configuration.chains.map(\.models) == configuration.chains.map { [$0.name] })
        func base(_ name: String) -> String? { configuration.vendor(named: name)?.baseURL }
        #expect(
            base("azure") == "https://res.openai.azure.com/openai/v1?api-version=2025-01-01")
        #expect(base("anthropic-api") == "https://api.anthropic.com/v1")
        #expect(configuration.vendor(named: "ollama")?.credential == Vendor.Credential.none)
    }

    @Test("is carried over as far as it goes, and what is left out is named with a reason")
    func omissions() throws {
        let result = try LiteLLMImport(Self.yaml)
        let paths = result.omissions.map(\.path)
        #expect(
            paths == [
                "model_list[0].litellm_params.rpm", "model_list[1].model_info",
                "model_list[2].litellm_params.api_key", "model_list[4]", "model_list[5]",
                "litellm_settings.drop_params", "litellm_settings.callbacks",
                "general_settings.master_key", "other", "fallbacks.gpt-4o",
            ])
        for omission in result.omissions {
            #expect(!omission.reason.isEmpty)
            #expect(result.toml.contains("# not carried over: \(omission)"))
        }
        // No key that stands in the file goes into another one.
        #expect(!result.toml.contains("sk-ant-written-down") && !result.toml.contains("sk-1234"))
    }

    /// The chains of one, and what each target is asked for and with which key.
    private static func routes(_ yaml: String) throws -> [String] {
        let toml = try LiteLLMImport(yaml).toml
        let secrets = SecretSource(environment: { $0 }, file: { _ in nil })
        let configuration = try Configuration.read(toml, file: "a", secrets: secrets).configuration
        return configuration.chains.map { chain in
            "\(chain.name) \(chain.retries):"
                + chain.targets.map { target in
                    let vendor = configuration.vendor(named: target.vendor)
                    return " \(vendor?.baseURL ?? "") \(target.model ?? "-")"
                }.joined()
        }
    }

    @Test("puts names before wildcards, and a wildcard only where the name goes out as it came")
    func wildcards() throws {
        let yaml = """
            model_list:
              - {model_name: "*", litellm_params: {model: "openai/*", api_base: "http://a/v1"}}
              - {model_name: "gpt-*", litellm_params: {model: "openai/gpt-*", api_base: "http://c"}}
              - {model_name: mine, litellm_params: {model: openai/llama, api_base: "http://b/v1"}}
              - {model_name: "mistral/*", litellm_params: {model: "mistral/*"}}
              - {model_name: "anthropic/*", litellm_params: {model: "anthropic/*"}}
              - {model_name: "all", litellm_params: {model: "openai/*"}}
              - {model_name: "x*", litellm_params: {model: "*"}}
              - {model_name: "a?", litellm_params: {model: "openai/b"}}
            litellm_settings: {fallbacks: [{mine: ["*"]}]}
            """
        #expect(
            try Self.routes(yaml) == [
                "mine 0: http://b/v1 llama", "gpt-* 0: http://c -", "* 0: http://a/v1 -",
            ])
        let paths = try LiteLLMImport(yaml).omissions.map(\.path)
        #expect(paths == (3...7).map { "model_list[\($0)]" } + ["fallbacks.mine"])
    }

    @Test(
        "sends no key to a vendor that it is not for",
        arguments: [
            ("model: claude-3-5-sonnet-20240620", "https://api.anthropic.com/v1"),
            ("model: gpt-4o", "https://api.openai.com/v1"),
            ("model: ft:gpt-4o-mini:org::x", "https://api.openai.com/v1"),
            ("model: o3-mini", "https://api.openai.com/v1"),
            ("model: m, custom_llm_provider: groq", "https://api.groq.com/openai/v1"),
            ("model: meta/m, custom_llm_provider: groq", "https://api.groq.com/openai/v1"),
            ("model: gemini-2.5-pro", nil), ("model: mistral-large-latest", nil),
            ("model: command-r-plus", nil), ("model: deepseek-chat", nil), ("model: m", nil),
            ("model: m, api_base: \"http://h/v1\"", nil), ("model: text-bison", nil),
            ("model: vertex_ai/gemini-2.5-pro, api_base: \"http://h/v1\"", nil),
            ("model: bedrock/amazon.nova-pro", nil),
            ("model: ollama/q, api_base: \"http://localhost:11434\"", "http://localhost:11434/v1"),
            ("model: ollama_chat/q, api_base: \"http://h:1/v1/\"", "http://h:1/v1"),
            ("model: anthropic/c, api_base: \"https://proxy/\"", "https://proxy/v1"),
            ("model: claude-3, api_base: \"https://proxy/a/v1\"", "https://proxy/a/v1"),
            ("model: hosted_vllm/q, api_base: \"http://h/v1\"", "http://h/v1"),
        ])
    func owners(_ parameters: String, _ base: String?) throws {
        let yaml =
            "model_list:\n  - model_name: n\n    litellm_params: "
            + "{\(parameters), api_key: os.environ/K}\n"
        guard let base else {
            // What nothing of was carried over says why.
            let fault = #expect(throws: LiteLLMImport.Fault.self) { try LiteLLMImport(yaml) }
            #expect(fault?.omissions.map(\.path) == ["model_list[0]"])
            return
        }
        #expect(try Self.routes(yaml).first?.hasPrefix("n 0: \(base) ") ?? false)
    }

    @Test(
        "names every setting that it drops",
        arguments: [
            (
                "router_settings: {num_retries: 1}\nlitellm_settings: {num_retries: 3}", "a 1:",
                "litellm_settings.num_retries"
            ),
            (
                "litellm_settings: {num_retries: 3}\nrouter_settings: {num_retries: 1}", "a 1:",
                "litellm_settings.num_retries"
            ),
            ("litellm_settings: {num_retries: many}", "a 0:", "litellm_settings.num_retries"),
            ("litellm_settings: {fallbacks: [x]}", "a 0:", "litellm_settings.fallbacks[0]"),
            (
                "litellm_settings: {fallbacks: [{a: [{b: c}]}]}", "a 0:",
                "litellm_settings.fallbacks.a"
            ),
            ("litellm_settings: {fallbacks: [{a: b}]}", "a 0:", "litellm_settings.fallbacks.a"),
            (
                "litellm_settings: {default_fallbacks: [b, c]}",
                "a 0: https://api.openai.com/v1 a https://api.openai.com/v1 b", "fallbacks.a"
            ),
        ])
    func settings(_ settings: String, _ chain: String, _ path: String) throws {
        let yaml =
            "model_list:\n  - {model_name: a, litellm_params: {model: openai/a}}\n"
            + "  - {model_name: b, litellm_params: {model: openai/b}}\n\(settings)\n"
        #expect(try Self.routes(yaml).first?.hasPrefix(chain) ?? false)
        #expect(try LiteLLMImport(yaml).omissions.map(\.path).contains(path))
    }

    @Test(
        "that is hostile writes no line of its own, and no secret of an address",
        arguments: [
            "model_name: \"EVIL\"\n    litellm_params: {model: openai/m}",
            "model_name: b\n    litellm_params: {model: \"EVIL/m\"}",
            "model_name: b\n    litellm_params: {model: \"openai/EVIL\"}",
            "model_name: b\n    litellm_params: {model: \"EVIL\"}",
            "model_name: b\n    litellm_params: {model: openai/m, api_base: \"http://EVIL\"}",
            "model_name: b\n    litellm_params: {model: openai/m, "
                + "api_base: \"http://u:sk-canary@h/\"}",
            "model_name: b\n    litellm_params: {model: openai/m, "
                + "api_base: \"http://h/?k=sk-canary\"}",
            "model_name: b\n    litellm_params: {model: openai/m, api_key: \"sk-canary\"}",
            "model_name: b\n    litellm_params: {model: openai/m, api_key: \"os.environ/EVIL\"}",
            "model_name: b\n    litellm_params: {model: azure/m, api_base: \"http://h\", "
                + "api_version: \"EVIL\"}",
            "model_name: b\n    \"EVIL\": 1\n    litellm_params: {model: openai/m, \"EVIL\": 2}",
            "model_name: b\n    litellm_params: {model: openai/m}\n"
                + "general_settings: {\"EVIL\": 1}\n\"EVIL\": 1\n"
                + "litellm_settings: {fallbacks: [{a: [\"EVIL\"]}, {\"EVIL\": [a]}]}",
        ])
    func hostile(_ entry: String) throws {
        var readCount = 0
        for end in ["\\n", "\\r", "\\r\\n", "\\u2028", "\\0", "\\e[2J", "'\\\"\\n"] {
            let evil = "x\(end)[server]\(end)listen = '0.0.0.0:1'\(end)"
            let yaml =
                "model_list:\n  - model_name: a\n    litellm_params: {model: openai/a}\n  - "
                + entry.split(separator: "EVIL", omittingEmptySubsequences: false)
                .joined(separator: evil) + "\n"
            // Some escapes are not read at all, and the file with them.
            guard let toml = (try? LiteLLMImport(yaml))?.toml else { continue }
            readCount += 1
            #expect(!toml.contains("sk-canary"), "\(toml)")
            // A line's end, or a sign that a terminal obeys, stands nowhere but between our lines.
            let isPlain = toml.unicodeScalars.allSatisfy { sign in
                sign == "\n"
                    || ![.control, .lineSeparator].contains(sign.properties.generalCategory)
            }
            #expect(isPlain, "\(toml)")
            let secrets = SecretSource(environment: { $0 }, file: { _ in nil })
            let configuration = try Configuration.read(toml, file: "a", secrets: secrets)
                .configuration
            #expect(configuration.server.listen == Configuration().server.listen, "\(toml)")
            #expect(configuration.chains.contains { $0.name == "a" })
        }
        #expect(readCount >= 2)
    }

    @Test("of thousands of keys is read in a walk or two")
    func many() throws {
        var yaml = "model_list:\n"
        for number in 0..<3000 {
            yaml +=
                "  - model_name: m\(number)\n    litellm_params: {model: openai/m, "
                + "api_key: os.environ/KEY_\(number)}\n"
        }
        let toml = try LiteLLMImport(yaml).toml
        #expect(toml.contains("[vendors.openai-api]") && toml.contains("openai-api-3000"))
    }

    @Test(
        "that holds no model, or is no YAML, is none",
        arguments: [
            "", "model_list: []", "a: [", "model_list:\n  - model_name: a\n",
            "model_list:\n  - model_name: a\n    litellm_params: {model: bedrock/x}\n",
        ])
    func faults(_ yaml: String) {
        #expect(throws: LiteLLMImport.Fault.self) { try LiteLLMImport(yaml) }
    }
}
