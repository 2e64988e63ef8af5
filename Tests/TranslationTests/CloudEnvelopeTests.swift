import Testing

@testable import Translation

@Suite("Clouds' envelopes of Messages requests")
struct CloudEnvelopeTests {
    private static func wrap(
        _ envelope: CloudEnvelope, _ body: String, model: String? = nil, betas: [String] = []
    ) throws -> (path: String, body: String) {
        let wrapped = envelope.wrap(
            try RawJSON(parsing: Array(body.utf8)), model: model, betas: betas)
        return (wrapped.path, String(decoding: wrapped.body, as: UTF8.self))
    }

    @Test("have the model in the path, and the version in the body")
    func requests() throws {
        let body = #"{"model":"m:0","max_tokens":5, "messages":[ {"role":"user"}],"stream":true}"#
        let bedrock = try Self.wrap(.bedrock, body, betas: ["a-1", "b-2"])
        #expect(bedrock.path == "/model/m%3A0/invoke-with-response-stream")
        #expect(
            bedrock.body
                == #"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a-1","b-2"],"#
                + #""max_tokens":5,"messages":[ {"role":"user"}]}"#)
        let vertex = try Self.wrap(.vertex, body, model: "claude@20250929")
        #expect(vertex.path == "/models/claude@20250929:streamRawPredict")
        #expect(
            vertex.body
                == #"{"anthropic_version":"vertex-2023-10-16","max_tokens":5,"#
                + #""messages":[ {"role":"user"}],"stream":true}"#)
        let whole = #"{"model":"a/b c","max_tokens":1.0,"anthropic_version":"x","stream":false}"#
        #expect(
            try Self.wrap(.bedrock, whole)
                == ("/model/a%2Fb%20c/invoke", #"{"max_tokens":1.0,"anthropic_version":"x"}"#))
        #expect(
            try Self.wrap(.vertex, whole)
                == (
                    "/models/a%2Fb%20c:rawPredict",
                    #"{"max_tokens":1.0,"anthropic_version":"x","stream":false}"#
                ))
    }

    @Test("come off a client's request, with every member that it has", arguments: [true, false])
    func unwrapping(_ isStreamed: Bool) throws {
        for envelope in CloudEnvelope.allCases {
            let body =
                #"{"model":"a:b/ü@1","#
                + (isStreamed ? #""stream":true,"# : "")
                + #""max_tokens":5,"messages":[],"temperature":1.0}"#
            let wrapped = envelope.wrap(
                try RawJSON(parsing: Array(body.utf8)), model: nil, betas: ["x"])
            let path =
                (envelope == .vertex ? "/v1/projects/p/publishers/anthropic" : "")
                + wrapped.path
            let back = try #require(
                envelope.unwrap(path, try RawJSON(parsing: wrapped.body)))
            #expect(String(decoding: back.body.bytes, as: UTF8.self) == body)
            #expect(back.betas == ["x"])
        }
    }

    @Test(
        "are not seen in other paths",
        arguments: [
            "/model/m", "/model//invoke", "/model/m/converse", "/v1/messages", "",
            "/model/a/b/invoke",
            "/models/:rawPredict", "/models/m:predict",
        ])
    func others(_ path: String) throws {
        let body = try RawJSON(parsing: Array("{}".utf8))
        for envelope in CloudEnvelope.allCases { #expect(envelope.unwrap(path, body) == nil) }
    }
}
