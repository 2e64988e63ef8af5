/// The shapes of whole answers, of a stream's events and of errors, as the vendors' clients have
/// them.
enum DialectAnswerShape {
    private static let chatUsage = JSONShape.members([
        "prompt_tokens": .whole, "completion_tokens": .whole, "total_tokens": .whole,
        "prompt_tokens_details?": .members([
            "cached_tokens?": .whole, "cache_write_tokens?": .whole,
        ]),
        "completion_tokens_details?": .members(["reasoning_tokens": .whole]),
    ])
    private static let annotation = JSONShape.members([
        "type": .words(["url_citation"]),
        "url_citation": .members([
            "start_index": .whole, "end_index": .whole, "url": .text, "title": .text,
        ]),
    ])
    private static let signature = JSONShape.members([
        "google": .members(["thought_signature": .text])
    ])
    private static let topTokens = JSONShape.list(
        .members(["token": .text, "logprob": .number, "bytes": .list(.whole, least: 0)]),
        least: 0)
    private static let tokens = JSONShape.list(
        .members([
            "token": .text, "logprob": .number, "bytes": .list(.whole, least: 0),
            "top_logprobs": topTokens,
        ]), least: 0)
    private static let logprobs = JSONShape.members(["content": tokens, "refusal": .null])
    private static let finish = JSONShape.words([
        "stop", "length", "tool_calls", "content_filter", "function_call",
    ])

    static let chat = JSONShape.members([
        "id": .filled, "object": .words(["chat.completion"]), "created": .whole, "model": .text,
        "choices": .list(
            .members([
                "index": .whole, "finish_reason": finish, "logprobs?": logprobs,
                "message": .members([
                    "role": .words(["assistant"]), "content": .either([.null, .text]),
                    "refusal?": .either([.null, .text]), "reasoning_content?": .text,
                    "function_call?": .members(["name": .filled, "arguments": .text]),
                    "annotations?": .list(annotation, least: 0),
                    "tool_calls?": .list(
                        .members([
                            "id": .filled, "type": .words(["function", "custom"]),
                            "function?": .members(["name": .filled, "arguments": .text]),
                            "custom?": .members(["name": .filled, "input": .text]),
                            "extra_content?": signature,
                        ]), least: 1),
                ]),
            ]), least: 1),
        "usage?": chatUsage,
    ])

    static let chatChunk = JSONShape.members([
        "id": .filled, "object": .words(["chat.completion.chunk"]), "created": .whole,
        "model": .text, "usage?": chatUsage,
        "choices": .list(
            .members([
                "index": .whole, "finish_reason": .either([.null, finish]),
                "logprobs?": logprobs,
                "delta": .members([
                    "role?": .words(["assistant"]), "content?": .text, "refusal?": .text,
                    "reasoning_content?": .text, "annotations?": .list(annotation, least: 1),
                    "function_call?": .members(["name?": .filled, "arguments": .text]),
                    "tool_calls?": .list(
                        .members([
                            "index": .whole, "id?": .filled,
                            "type?": .words(["function", "custom"]),
                            "function?": .members(["name?": .filled, "arguments": .text]),
                            "custom?": .members(["name": .filled, "input": .text]),
                            "extra_content?": signature,
                        ]), least: 1),
                ]),
            ]), least: 0),
    ])

    static let openAIError = JSONShape.members([
        "error": .members([
            "message": .text, "type": .text, "param": .either([.null, .text]),
            "code": .either([.null, .text]),
        ])
    ])

    // MARK: Responses

    static let responsesUsage = JSONShape.members([
        "input_tokens": .whole, "output_tokens": .whole, "total_tokens": .whole,
        "input_tokens_details": .members(["cached_tokens": .whole, "cache_write_tokens?": .whole]),
        "output_tokens_details": .members(["reasoning_tokens": .whole]),
    ])
    private static let outputAnnotation = JSONShape.members([
        "type": .words(["url_citation"]), "start_index": .whole, "end_index": .whole,
        "url": .text, "title": .text,
    ])
    static let outputPart = JSONShape.tagged(
        "type",
        [
            "output_text": [
                "text": .text, "annotations": .list(outputAnnotation, least: 0),
                "logprobs?": tokens,
            ],
            "refusal": ["refusal": .text],
        ])
    private static let status = JSONShape.words(["in_progress", "completed", "incomplete"])
    static let item = JSONShape.tagged(
        "type",
        [
            "message": [
                "id": .filled, "role": .words(["assistant"]), "status": status,
                "content": .list(outputPart, least: 0),
            ],
            "reasoning": [
                "id": .filled, "status?": status, "encrypted_content?": .either([.null, .filled]),
                "summary": .list(.tagged("type", ["summary_text": ["text": .text]]), least: 0),
            ],
            "function_call": [
                "id": .filled, "call_id": .text, "name": .text, "arguments": .text,
                "status": status, "namespace?": .text,
            ],
            "custom_tool_call": [
                "id": .filled, "call_id": .text, "name": .text, "input": .text,
                "status?": status, "namespace?": .text,
            ],
            "local_shell_call": [
                "id": .filled, "call_id": .text, "status": status, "action": .object,
            ],
            "shell_call": [
                "id": .filled, "call_id": .text, "status": status, "action": .object,
            ],
            "apply_patch_call": [
                "id": .filled, "call_id": .text, "status": .words(["in_progress", "completed"]),
                "operation": .object,
            ],
            "tool_search_call": [
                "id": .filled, "call_id": .text, "status": status, "arguments": .object,
                "execution": .words(["client"]),
            ],
        ])

    /// The members that repeat the request are the client's own.
    static let responses = JSONShape.members([
        "id": .filled, "object": .words(["response"]), "created_at": .whole, "model": .text,
        "status": .words(["in_progress", "completed", "incomplete", "failed"]),
        "error": .either([.null, .members(["code": .filled, "message": .text])]),
        "incomplete_details": .either([
            .null, .members(["reason": .words(["max_output_tokens", "content_filter"])]),
        ]),
        "output": .list(item, least: 0), "usage?": responsesUsage, "parallel_tool_calls": .any,
        "tool_choice": .any, "tools": .any, "store?": .flag, "instructions?": .any,
        "temperature?": .any, "top_p?": .any, "max_output_tokens?": .any, "reasoning?": .any,
        "text?": .any, "truncation?": .any, "metadata?": .any, "user?": .any,
        "safety_identifier?": .any, "prompt_cache_key?": .any, "service_tier?": .any,
    ])

    private static func event(_ members: [String: JSONShape]) -> [String: JSONShape] {
        members.merging(["sequence_number": .whole]) { own, _ in own }
    }

    private static func itemEvent(_ members: [String: JSONShape]) -> [String: JSONShape] {
        event(members).merging(["item_id": .filled, "output_index": .whole]) { own, _ in own }
    }

    static let responsesEvent = JSONShape.tagged(
        "type",
        [
            "response.created": event(["response": responses]),
            "response.in_progress": event(["response": responses]),
            "response.completed": event(["response": responses]),
            "response.incomplete": event(["response": responses]),
            "response.failed": event(["response": responses]),
            "response.output_item.added": event(["output_index": .whole, "item": item]),
            "response.output_item.done": event(["output_index": .whole, "item": item]),
            "response.content_part.added": itemEvent([
                "content_index": .whole, "part": outputPart,
            ]),
            "response.content_part.done": itemEvent(["content_index": .whole, "part": outputPart]),
            "response.output_text.delta": itemEvent([
                "content_index": .whole, "delta": .text, "logprobs": tokens,
            ]),
            "response.output_text.done": itemEvent([
                "content_index": .whole, "text": .text, "logprobs": tokens,
            ]),
            "response.output_text.annotation.added": itemEvent([
                "content_index": .whole, "annotation_index": .whole, "annotation": outputAnnotation,
            ]),
            "response.refusal.delta": itemEvent(["content_index": .whole, "delta": .text]),
            "response.refusal.done": itemEvent(["content_index": .whole, "refusal": .text]),
            "response.reasoning_summary_part.added": itemEvent([
                "summary_index": .whole, "part": .object,
            ]),
            "response.reasoning_summary_part.done": itemEvent([
                "summary_index": .whole, "part": .object,
            ]),
            "response.reasoning_summary_text.delta": itemEvent([
                "summary_index": .whole, "delta": .text,
            ]),
            "response.reasoning_summary_text.done": itemEvent([
                "summary_index": .whole, "text": .text,
            ]),
            "response.function_call_arguments.delta": itemEvent(["delta": .text]),
            "response.function_call_arguments.done": itemEvent(["name": .text, "arguments": .text]),
            "response.custom_tool_call_input.delta": itemEvent(["delta": .text]),
            "response.custom_tool_call_input.done": itemEvent(["input": .text]),
        ])

    // MARK: Messages

    private static let usage = JSONShape.members([
        "input_tokens": .whole, "output_tokens": .whole, "cache_read_input_tokens?": .whole,
        "cache_creation_input_tokens?": .whole,
        "output_tokens_details?": .members(["thinking_tokens": .whole]),
    ])
    /// At the end the input may be missing, because the beginning said it.
    private static let deltaUsage = JSONShape.members([
        "input_tokens?": .whole, "output_tokens": .whole, "cache_read_input_tokens?": .whole,
        "cache_creation_input_tokens?": .whole,
        "output_tokens_details?": .members(["thinking_tokens": .whole]),
    ])
    private static let stopReason = JSONShape.words([
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
        "model_context_window_exceeded", "compaction",
    ])
    private static let stopDetails = JSONShape.members([
        "type": .words(["refusal"]), "category": .any, "explanation": .any,
    ])
    static let block = JSONShape.tagged(
        "type",
        [
            "text": ["text": .text], "thinking": ["thinking": .text, "signature": .text],
            "tool_use": ["id": .text, "name": .text, "input": .object],
        ])

    static let messages = JSONShape.members([
        "id": .filled, "type": .words(["message"]), "role": .words(["assistant"]),
        "model": .text, "content": .list(block, least: 0), "stop_reason": stopReason,
        "stop_sequence": .either([.null, .text]), "stop_details?": stopDetails, "usage": usage,
    ])

    static let messagesEvent = JSONShape.tagged(
        "type",
        [
            "message_start": [
                "message": .members([
                    "id": .filled, "type": .words(["message"]), "role": .words(["assistant"]),
                    "model": .text, "content": .list(.any, least: 0), "stop_reason": .null,
                    "stop_sequence": .null, "usage": usage,
                ])
            ],
            "ping": [:], "message_stop": [:],
            "content_block_start": ["index": .whole, "content_block": block],
            "content_block_delta": [
                "index": .whole,
                "delta": .tagged(
                    "type",
                    [
                        "text_delta": ["text": .text], "thinking_delta": ["thinking": .text],
                        "signature_delta": ["signature": .filled],
                        "input_json_delta": ["partial_json": .text],
                    ]),
            ],
            "content_block_stop": ["index": .whole],
            "message_delta": [
                "delta": .members([
                    "stop_reason": stopReason, "stop_sequence": .either([.null, .text]),
                    "stop_details?": stopDetails,
                ]), "usage": deltaUsage,
            ],
            "error": ["error": .members(["type": .filled, "message": .text])],
        ])

    static let messagesError = JSONShape.members([
        "type": .words(["error"]), "error": .members(["type": .filled, "message": .text]),
    ])

    // MARK: Gemini

    private static let part = JSONShape.either([
        .members(["text": .text, "thought?": .flag, "thoughtSignature?": .filled]),
        .members([
            "functionCall": .members(["id": .text, "name": .text, "args": .object]),
            "thoughtSignature?": .filled,
        ]),
    ])

    private static let odds = JSONShape.list(
        .members(["token": .text, "logProbability": .number]), least: 0)

    static let gemini = JSONShape.members([
        "candidates": .list(
            .members([
                "index": .whole, "finishReason?": .words(["STOP", "MAX_TOKENS", "SAFETY"]),
                "logprobsResult?": .members([
                    "chosenCandidates": odds,
                    "topCandidates?": .list(.members(["candidates": odds]), least: 1),
                ]),
                "content": .members([
                    "role": .words(["model"]), "parts": .list(part, least: 0),
                ]),
            ]), least: 1),
        "usageMetadata?": .members([
            "promptTokenCount?": .whole, "candidatesTokenCount?": .whole,
            "thoughtsTokenCount?": .whole, "cachedContentTokenCount?": .whole,
            "totalTokenCount": .whole,
        ]), "modelVersion": .text, "responseId": .filled,
    ])

    static let geminiError = JSONShape.members([
        "error": .members([
            "code": .whole, "message": .text, "status": .filled,
            "details?": .list(.object, least: 0),
        ])
    ])
}
