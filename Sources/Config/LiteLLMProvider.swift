/// Who serves a deployment of LiteLLM's, and by which name of the model.
struct LiteLLMProvider {
    /// LiteLLM's name of the provider.
    let name: String
    /// The model as the provider is asked for it.
    let model: String

    /// Why no provider is sure.
    struct Unsure: Error {
        let reason: String
    }

    /// The provider of a model as LiteLLM writes it: before the slash, in a parameter of its own,
    /// or by the model's name alone.
    ///
    /// A name that could be another vendor's has none: its key would go to the wrong one.
    init(_ target: String, custom: String?) throws(Unsure) {
        let slash = target.firstIndex(of: "/")
        let first = slash.map { String(target[..<$0]) }
        let rest = slash.map { String(target[target.index(after: $0)...]) }
        if let custom {
            name = custom
            model = first == custom ? rest ?? target : target
        } else if let first, let rest {
            name = first
            model = rest
        } else if let known = Self.owner(of: target.lowercased()) {
            name = known
            model = target
        } else {
            throw Unsure(
                reason: "LiteLLM takes the provider from the model's name, which is not sure here: "
                    + "write it before the model, as in openai/MODEL")
        }
        guard !Self.speakOtherwise.contains(name) else {
            throw Unsure(
                reason: "provider \(name) has no endpoint for OpenAI's clients known here")
        }
    }

    /// Who has models of such a name without a prefix; nil where it is not sure.
    private static func owner(of model: String) -> String? {
        if model.hasPrefix("claude-") { return "anthropic" }
        let tuned = model.hasPrefix("ft:") ? String(model.dropFirst(3)) : model
        return openAIs.contains { tuned.hasPrefix($0) } ? "openai" : nil
    }

    /// How the names of OpenAI's models begin.
    private static let openAIs = [
        "gpt-3.5", "gpt-4", "gpt-5", "gpt-image", "gpt-realtime", "gpt-audio", "chatgpt-", "o1",
        "o3", "o4-", "text-embedding-3-", "text-embedding-ada-", "davinci-002", "babbage-002",
        "dall-e-", "whisper-1", "tts-1", "omni-moderation-", "text-moderation-", "sora-",
        "codex-mini", "computer-use-preview",
    ]

    /// Providers whose own endpoints, wherever they stand, are no OpenAI's.
    private static let speakOtherwise: Set<String> = [
        "bedrock", "bedrock_converse", "sagemaker", "sagemaker_chat", "vertex_ai",
        "vertex_ai_beta", "palm", "cohere", "cohere_chat", "replicate", "watsonx",
        "watsonx_text", "cloudflare", "ai21", "nlp_cloud", "aleph_alpha", "petals", "oobabooga",
        "triton", "predibase", "clarifai", "maritalk", "huggingface", "snowflake", "oci",
    ]

    /// The endpoints for OpenAI's clients, by LiteLLM's names of their providers.
    static let bases = [
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

    /// An address of the operator's as the endpoint for OpenAI's clients: where LiteLLM asks
    /// another API of the provider's, it writes the address without the path of that.
    func endpoint(at address: String) -> String {
        let path: String
        switch name {
        case "ollama", "ollama_chat", "anthropic": path = "/v1"
        case "gemini": path = "/v1beta/openai"
        default: return address
        }
        let host = address.firstRange(of: "://").map { address[$0.upperBound...] } ?? address[...]
        return host.contains("/") ? address : address + path
    }
}
