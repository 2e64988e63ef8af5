// Why something is not carried over.
extension LiteLLMImport {
    static func reason(ofModelMember name: String) -> String {
        name == "model_info"
            ? "prices come from [prices]; the rest is not needed" : "Weir has nothing of this name"
    }

    static func reason(ofParameter name: String) -> String {
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

    static func reason(ofSetting name: String) -> String {
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
}
