import Translation

/// Streams of text, as vendors spell them.
enum StreamText {
    /// What comes before the first chunk of text.
    static func beginning(_ form: Form) -> String {
        switch form {
        case .chat:
            event(
                #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":"#
                    + #"[{"index":0,"delta":{"role":"assistant","content":""},"#
                    + #""finish_reason":null}]}"#)
        case .responses:
            event(#"{"type":"response.created","response":{"id":"r","output":[]}}"#)
                + event(
                    #"{"type":"response.output_item.added","output_index":0,"item":{"id":"m","#
                        + #""type":"message","role":"assistant","content":[]}}"#)
        case .messages:
            event(
                #"{"type":"message_start","message":{"id":"m","model":"m","content":[],"#
                    + #""usage":{"input_tokens":10,"output_tokens":1}}}"#)
                + event(
                    #"{"type":"content_block_start","index":0,"#
                        + #""content_block":{"type":"text","text":""}}"#)
        case .gemini: ""
        }
    }

    /// A chunk of text.
    static func chunk(_ form: Form) -> String {
        switch form {
        case .chat:
            event(
                #"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":"#
                    + #"[{"index":0,"delta":{"content":"some words "},"finish_reason":null}]}"#)
        case .responses:
            event(
                #"{"type":"response.output_text.delta","item_id":"m","output_index":0,"#
                    + #""content_index":0,"delta":"some words "}"#)
        case .messages:
            event(
                #"{"type":"content_block_delta","index":0,"#
                    + #""delta":{"type":"text_delta","text":"some words "}}"#)
        case .gemini:
            event(
                #"{"candidates":[{"content":{"parts":[{"text":"some words "}],"role":"model"},"#
                    + #""index":0}],"modelVersion":"m"}"#)
        }
    }

    private static func event(_ data: String) -> String { "data: \(data)\n\n" }
}
