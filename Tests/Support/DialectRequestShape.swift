/// The shapes of requests, one for each API.
enum DialectRequestShape {
    private static let texts = JSONShape.list(.text, least: 0)

    // MARK: Chat completions

    private static let chatPart = JSONShape.tagged(
        "type",
        [
            "text": ["text": .text, "prompt_cache_breakpoint?": .object],
            "refusal": ["refusal": .text],
            "image_url": [
                "image_url": .members([
                    "url": .address, "detail?": .words(["auto", "low", "high", "original"]),
                ])
            ],
            "input_audio": [
                "input_audio": .members(["data": .base64, "format": .words(["wav", "mp3"])])
            ],
            "file": [
                "file": .members([
                    "file_data?": .address, "file_id?": .text, "filename?": .text,
                ])
            ],
        ])

    private static let chatContent = JSONShape.either([.text, .list(chatPart, least: 1)])
    private static let chatTexts = JSONShape.either([
        .text,
        .list(
            .tagged("type", ["text": ["text": .text, "prompt_cache_breakpoint?": .object]]),
            least: 1),
    ])
    private static let googleSignature = JSONShape.members([
        "google": .members(["thought_signature": .text])
    ])

    private static let chatMessage = JSONShape.tagged(
        "role",
        [
            "system": ["content": chatTexts, "name?": .text],
            "developer": ["content": chatTexts, "name?": .text],
            "user": ["content": chatContent, "name?": .text],
            "assistant": [
                "content?": .either([.null, chatContent]), "refusal?": .either([.null, .text]),
                "name?": .text, "reasoning_content?": .text,
                "tool_calls?": .list(
                    .tagged(
                        "type",
                        [
                            "function": [
                                "id": .filled, "extra_content?": googleSignature,
                                "function": .members([
                                    "name": .filled, "arguments": .spelledObject,
                                ]),
                            ],
                            "custom": [
                                "id": .filled,
                                "custom": .members(["name": .filled, "input": .text]),
                            ],
                        ]), least: 1),
            ],
            "tool": ["content": chatTexts, "tool_call_id": .filled],
        ])

    private static let chatFunctionName = JSONShape.members([
        "type": .words(["function"]), "function": .members(["name": .filled]),
    ])

    static let chat = JSONShape.members([
        "model?": .filled, "stream?": .flag,
        "stream_options?": .members(["include_usage?": .flag]),
        "messages": .list(chatMessage, least: 1),
        "max_completion_tokens?": .whole, "max_tokens?": .whole, "temperature?": .number,
        "top_p?": .number, "stop?": .either([.text, texts]), "seed?": .whole,
        "frequency_penalty?": .number, "presence_penalty?": .number, "logprobs?": .flag,
        "top_logprobs?": .whole, "logit_bias?": .object,
        "response_format?": .tagged(
            "type",
            [
                "text": [:], "json_object": [:],
                "json_schema": [
                    "json_schema": .members([
                        "name": .filled, "description?": .text, "schema": .object,
                        "strict?": .flag,
                    ])
                ],
            ]),
        "reasoning_effort?": .words(efforts), "verbosity?": .words(["low", "medium", "high"]),
        "tools?": .list(
            .tagged(
                "type",
                [
                    "function": [
                        "function": .members([
                            "name": .filled, "description?": .text, "parameters?": .object,
                            "strict?": .flag,
                        ])
                    ]
                ]), least: 1),
        "tool_choice?": .either([
            .words(["auto", "none", "required"]), chatFunctionName,
            .members([
                "type": .words(["allowed_tools"]),
                "allowed_tools": .members([
                    "mode": .words(["auto", "required"]),
                    "tools": .list(chatFunctionName, least: 0),
                ]),
            ]),
        ]),
        "parallel_tool_calls?": .flag, "prompt_cache_key?": .text,
        "prompt_cache_options?": .object, "prompt_cache_retention?": .text,
        "service_tier?": .text, "store?": .flag, "metadata?": .object, "user?": .text,
        "safety_identifier?": .text, "moderation?": .object,
    ])

    static let efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"]

    // MARK: Responses

    private static let inputPart = JSONShape.tagged(
        "type",
        [
            "input_text": ["text": .text, "prompt_cache_breakpoint?": .object],
            "input_image": [
                "image_url?": .address, "file_id?": .text,
                "detail?": .words(["auto", "low", "high", "original"]),
            ],
            "input_file": [
                "file_data?": .address, "file_url?": .filled, "file_id?": .text, "filename?": .text,
            ],
        ])
    private static let outputPart = JSONShape.tagged(
        "type",
        [
            "output_text": ["text": .text, "annotations?": .list(.any, least: 0)],
            "refusal": ["refusal": .text],
        ])
    private static let output = JSONShape.either([.text, .list(inputPart, least: 0)])

    private static let item = JSONShape.either([
        .members([
            "type?": .words(["message"]), "role": .words(["user", "system", "developer"]),
            "content": .either([.text, .list(inputPart, least: 1)]),
        ]),
        .members([
            "type?": .words(["message"]), "role": .words(["assistant"]), "id?": .text,
            "status?": .text, "phase?": .text,
            "content": .either([.text, .list(outputPart, least: 1)]),
        ]),
        .tagged(
            "type",
            [
                "function_call": [
                    "call_id": .filled, "name": .filled, "arguments": .spelledObject,
                    "id?": .text, "status?": .text, "namespace?": .text,
                ],
                "custom_tool_call": [
                    "call_id": .filled, "name": .filled, "input": .text, "id?": .text,
                ],
                "function_call_output": [
                    "call_id": .filled, "output": output, "id?": .text,
                    "status?": .words(["in_progress", "completed", "incomplete"]),
                ],
                "custom_tool_call_output": ["call_id": .filled, "output": output, "id?": .text],
                "reasoning": [
                    "id?": .text,
                    "summary": .list(.tagged("type", ["summary_text": ["text": .text]]), least: 0),
                    "content?": .list(.any, least: 0), "encrypted_content": .filled,
                ],
            ]),
    ])

    private static let functionName = JSONShape.members([
        "type": .words(["function", "custom"]), "name": .filled,
    ])

    static let responses = JSONShape.members([
        "model?": .filled, "stream?": .flag, "instructions?": .text,
        "input": .list(item, least: 1), "max_output_tokens?": .whole, "temperature?": .number,
        "top_p?": .number, "top_logprobs?": .whole, "store?": .flag, "include?": texts,
        "reasoning?": .members([
            "effort?": .words(efforts), "summary?": .words(["auto", "concise", "detailed"]),
        ]),
        "text?": .members([
            "verbosity?": .words(["low", "medium", "high"]),
            "format?": .tagged(
                "type",
                [
                    "text": [:], "json_object": [:],
                    "json_schema": [
                        "name": .filled, "description?": .text, "schema": .object,
                        "strict?": .flag,
                    ],
                ]),
        ]),
        "tools?": .list(
            .tagged(
                "type",
                [
                    "function": [
                        "name": .filled, "description?": .text,
                        "parameters": .either([.null, .object]),
                        "strict": .either([.null, .flag]),
                    ],
                    "custom": ["name": .filled, "description?": .text, "format?": .object],
                    "web_search": [:],
                ]), least: 1),
        "tool_choice?": .either([
            .words(["auto", "none", "required"]), functionName,
            .members([
                "type": .words(["allowed_tools"]), "mode": .words(["auto", "required"]),
                "tools": .list(functionName, least: 0),
            ]),
        ]),
        "parallel_tool_calls?": .flag, "prompt_cache_key?": .text,
        "prompt_cache_options?": .object, "prompt_cache_retention?": .text,
        "service_tier?": .text, "metadata?": .object, "user?": .text,
        "safety_identifier?": .text, "moderation?": .object,
    ])

    // MARK: Messages

    private static let cache = JSONShape.object
    private static func source(_ types: [String]) -> JSONShape {
        .tagged(
            "type",
            [
                "base64": ["media_type": .words(types), "data": .base64],
                "url": ["url": .elsewhere],
                "text": ["media_type": .words(["text/plain"]), "data": .text],
            ])
    }
    private static let plainBlocks: [String: [String: JSONShape]] = [
        "text": ["text": .said],
        "image": ["source": source(["image/jpeg", "image/png", "image/gif", "image/webp"])],
        "document": ["source": source(["application/pdf"]), "title?": .text],
    ]
    private static let block: JSONShape = {
        var blocks = plainBlocks
        blocks["thinking"] = ["thinking": .text, "signature": .filled]
        blocks["redacted_thinking"] = ["data": .filled]
        blocks["tool_use"] = ["id": .filled, "name": .filled, "input": .object]
        blocks["tool_result"] = [
            "tool_use_id": .filled, "is_error?": .flag,
            "content?": .either([.said, .list(.tagged("type", plainBlocks), least: 1)]),
        ]
        return .tagged("type", blocks)
    }()
    private static let blocks = JSONShape.either([.said, .list(block, least: 1)])

    static let messages = JSONShape.members([
        "model?": .filled, "stream?": .flag, "max_tokens": .whole, "system?": .said,
        "messages": .list(
            .members(["role": .words(["user", "assistant", "system"]), "content": blocks]),
            least: 1),
        "tools?": .list(
            .either([
                .members([
                    "name": .filled, "description?": .text, "input_schema": .objectSchema,
                    "strict?": .flag,
                ]),
                .members(["type": .words(["web_search_20250305"]), "name": .filled]),
            ]), least: 1),
        "tool_choice?": .tagged(
            "type",
            [
                "auto": ["disable_parallel_tool_use?": .flag],
                "any": ["disable_parallel_tool_use?": .flag], "none": [:],
                "tool": ["name": .filled, "disable_parallel_tool_use?": .flag],
            ]),
        "thinking?": .tagged(
            "type",
            [
                "disabled": [:], "enabled": ["budget_tokens": .whole],
                "adaptive": ["display?": .words(["summarized", "omitted"])],
            ]),
        "output_config?": .members([
            "effort?": .words(["low", "medium", "high", "xhigh", "max"]),
            "format?": .members(["type": .words(["json_schema"]), "schema": .object]),
        ]),
        "metadata?": .members(["user_id": .text]), "stop_sequences?": .list(.said, least: 1),
        "temperature?": .number, "top_p?": .number, "top_k?": .whole,
        "service_tier?": .words(["auto", "standard_only"]),
    ])

    // MARK: Gemini

    private static let inline = JSONShape.members([
        "mimeType": .filled, "data": .base64, "displayName?": .text,
    ])
    private static let part = JSONShape.either([
        .members(["text": .text, "thoughtSignature?": .filled]),
        .members(["text": .text, "thought": .flag, "thoughtSignature?": .filled]),
        .members(["inlineData": inline]),
        .members(["fileData": .members(["mimeType?": .filled, "fileUri": .filled])]),
        .members([
            "functionCall": .members(["id?": .filled, "name": .filled, "args": .object]),
            "thoughtSignature?": .filled,
        ]),
        .members([
            "functionResponse": .members([
                "id?": .filled, "name": .filled, "response": .object,
                "parts?": .list(.members(["inlineData": inline]), least: 1),
            ])
        ]),
    ])

    static let gemini = JSONShape.members([
        "contents": .list(
            .members(["role": .words(["user", "model"]), "parts": .list(part, least: 1)]),
            least: 1),
        "systemInstruction?": .members([
            "parts": .list(.members(["text": .text]), least: 1)
        ]),
        "tools?": .list(
            .either([
                .members([
                    "functionDeclarations": .list(
                        .members([
                            "name": .filled, "description?": .text,
                            "parametersJsonSchema?": .object, "parameters?": .object,
                        ]), least: 1)
                ]),
                .members(["googleSearch": .object]),
            ]), least: 1),
        "toolConfig?": .members([
            "functionCallingConfig": .members([
                "mode": .words(["AUTO", "ANY", "NONE", "VALIDATED"]),
                "allowedFunctionNames?": .list(.filled, least: 1),
            ])
        ]),
        "generationConfig?": .members([
            "maxOutputTokens?": .whole, "temperature?": .number, "topP?": .number,
            "topK?": .number, "stopSequences?": texts, "seed?": .whole,
            "presencePenalty?": .number, "frequencyPenalty?": .number,
            "responseLogprobs?": .flag, "logprobs?": .whole, "responseMimeType?": .filled,
            "responseJsonSchema?": .object, "responseSchema?": .object,
            "mediaResolution?": .text,
            "thinkingConfig?": .members([
                "thinkingBudget?": .whole, "includeThoughts?": .flag,
                "thinkingLevel?": .words(["MINIMAL", "LOW", "MEDIUM", "HIGH"]),
            ]),
        ]),
        "serviceTier?": .text, "labels?": .object,
    ])
}
