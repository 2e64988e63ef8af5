// Gemini's contents.
extension AnswerSample {
    private static func chunk(_ text: String, _ usage: String, _ finish: String = "") -> String {
        #"{"candidates":[{"content":{"parts":[{"text":"\#(text)"}],"role":"model"},"index":0"#
            + (finish.isEmpty ? "" : #","finishReason":"\#(finish)""#)
            + #"}],"usageMetadata":{\#(usage)},"modelVersion":"m-1","responseId":"r"}"#
    }

    private static func stream(_ chunks: [String], end: String = "") -> String {
        chunks.map { "data: \($0)\r\n\r\n" }.joined() + end
    }

    static let contents: [AnswerSample] = [
        AnswerSample(
            "usage grows, and thoughts come beside the candidates", "gemini", isStream: true,
            stream([
                chunk("a", #""promptTokenCount":9,"totalTokenCount":9"#),
                chunk(#"\"finishReason\""#, #""trafficType":"ON_DEMAND""#),
                chunk(
                    "b",
                    #""promptTokenCount":9,"candidatesTokenCount":23,"totalTokenCount":217,"#
                        + #""thoughtsTokenCount":185,"promptTokensDetails":"#
                        + #"[{"modality":"TEXT","tokenCount":5},{"modality":"AUDIO","#
                        + #""tokenCount":4}],"cachedContentTokenCount":3"#, "STOP"),
            ])
        ) {
            tokens(9, 208)(&$0)
            ($0.reasoning, $0.cacheRead, $0.audioInput) = (185, 3, 4)
            $0.finishReason = "STOP"
        },
        AnswerSample(
            "thoughts within the candidates", "gemini", isStream: true,
            stream([
                chunk(
                    "b",
                    #""promptTokenCount":10,"candidatesTokenCount":30,"totalTokenCount":40,"#
                        + #""thoughtsTokenCount":20"#, "MAX_TOKENS")
            ])
        ) {
            tokens(10, 30)(&$0)
            $0.reasoning = 20
            $0.finishReason = "MAX_TOKENS"
        },
        AnswerSample(
            "a blocked prompt", "gemini", isStream: true,
            stream([
                """
                {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":4,\
                "totalTokenCount":4},"modelVersion":"m-1"}
                """
            ])
        ) {
            tokens(4, 0)(&$0)
            $0.finishReason = "SAFETY"
        },
        AnswerSample(
            "a function called", "gemini", isStream: true,
            stream([
                """
                {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{}},\
                "thoughtSignature":"eA=="}],"role":"model"},"finishReason":"STOP","index":0}],\
                "usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,\
                "toolUsePromptTokenCount":6,"totalTokenCount":13},"modelVersion":"m-1"}
                """
            ])
        ) {
            tokens(11, 2)(&$0)
            $0.finishReason = "STOP"
        },
        AnswerSample(
            "an error without any framing", "gemini", isStream: true,
            stream(
                [chunk("a", #""promptTokenCount":4,"totalTokenCount":4"#)],
                end:
                    "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"overloaded\",\n"
                    + "    \"status\": \"UNAVAILABLE\"\n  }\n}\n")
        ) {
            tokens(4, 0)(&$0)
            ($0.finishReason, $0.errorKind, $0.isWhole) = ("", "UNAVAILABLE", false)
        },
        AnswerSample(
            "an error in its frame", "gemini", isStream: true,
            stream([
                chunk("a", #""promptTokenCount":4,"totalTokenCount":4"#),
                #"{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}"#,
            ])
        ) {
            tokens(4, 0)(&$0)
            ($0.finishReason, $0.errorKind, $0.isWhole) = ("", "RESOURCE_EXHAUSTED", false)
        },
        AnswerSample(
            "a whole answer", "gemini", isStream: false,
            chunk(
                "hi",
                #""promptTokenCount":8,"candidatesTokenCount":2,"totalTokenCount":10"#, "STOP")
        ) {
            tokens(8, 2)(&$0)
            $0.finishReason = "STOP"
        },
        AnswerSample(
            "an array of answers", "gemini", isStream: false,
            "["
                + chunk("a", #""promptTokenCount":8,"totalTokenCount":8"#) + "\n,\r\n"
                + chunk(
                    "b",
                    #""promptTokenCount":8,"candidatesTokenCount":3,"totalTokenCount":11"#, "STOP")
                + "]"
        ) {
            tokens(8, 3)(&$0)
            $0.finishReason = "STOP"
        },
        AnswerSample(
            "tokens counted by Gemini", "gemini", isStream: false, #"{"totalTokens":31}"#
        ) { ($0.model, $0.finishReason) = ("", "") },
    ]
}
