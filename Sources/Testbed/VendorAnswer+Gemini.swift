import JSON

// The shapes of Google's Gemini API: CRLF line ends, no event names, no terminal marker.
extension VendorAnswer {
    private static func candidate(_ text: String, _ tokens: Int, isLast: Bool) -> String {
        let finish = isLast ? ",\"finishReason\":\"STOP\"" : ""
        return """
            {"candidates":[{"content":{"parts":[{"text":\(JSONText.quote(text))}],"role":"model"},\
            "index":0\(finish)}],"usageMetadata":{"promptTokenCount":14,\
            "candidatesTokenCount":\(tokens),"totalTokenCount":\(14 + tokens)},\
            "modelVersion":"gemini-2.5-flash","responseId":"mock"}
            """
    }

    static func geminiContent(_ script: VendorScript) -> VendorAnswer {
        json(candidate(content(script), script.chunks, isLast: true))
    }

    static func geminiStream(_ script: VendorScript, isArray: Bool) -> VendorAnswer {
        let count = max(1, script.chunks)
        return VendorAnswer(
            contentType: isArray ? "application/json" : "text/event-stream",
            body: .stream(content: 0..<count) { index in
                guard index < count else { return nil }
                let isLast = index == count - 1
                let chunk = candidate(word(index, script), index + 1, isLast: isLast)
                return isArray
                    ? (index == 0 ? "[" : ",\r\n") + chunk + (isLast ? "]" : "")
                    : "data: \(chunk)\r\n\r\n"
            }
        )
    }
}
