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
                "groq/* 2: groq/-",
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
                "model_list[2].litellm_params.api_key", "model_list[4]",
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
