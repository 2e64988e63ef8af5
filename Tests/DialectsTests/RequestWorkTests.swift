import Dialects
import Testing

@Suite("Whether a request makes a model work")
struct RequestWorkTests {
    @Test(
        "what does is billed, under any prefix",
        arguments: [
            "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/responses?x=1",
            "/v1/responses/compact", "/team-a/v1/chat/completions", "/batches/v1/chat/completions",
            "/openai/deployments/d/chat/completions?api-version=1", "/openai/v1/responses",
            "/v1/embeddings", "/v1/images/generations", "/v1/audio/transcriptions",
            "/v1/messages", "/v1/messages?beta=true", "/v1/complete",
            "/v1beta/models/m:generateContent", "/v1beta/models/m:streamGenerateContent?alt=sse",
            "/v1beta/models/m:embedContent", "/v1beta/openai/chat/completions",
            "/v1beta/interactions", "/v1/threads/t/runs", "/v1/threads/runs",
            "/v1/threads/t/runs/r/submit_tool_outputs", "/api/chat", "/v2/chat", "/v2/rerank",
            "/model/m/converse", "/v1/search", "/", "",
            // Some server in between drops or cuts what is no plain name, and this is left.
            "/v1/chat/completions/%2f", "/v1/chat/completions/;", "/v1/chat/completions/;/cancel",
            "/v1/chat/completions/%20", "/v1/chat/completions/%20/cancel", "/v1/messages/%2f",
            "/v1/chat/completions/%3f", "/v1/chat/completions/%5c", "/v1/responses/%00",
            "/v1/chat/completions//", "/v1/chat/completions/c\\d", "/v1/responses/é",
            // Neither is what is no name of something kept.
            "/v1/chat/completions/x", "/v1/chat/completions/cancel",
            "/v1/chat/completions/x/search",
            "/v1/messages/x", "/v1/messages/tokenize", "/v1/responses/x", "/v1/responses/x/y",
            "/v1beta/tunedModels/t:generateContent", "/v1beta/tunedModels/t:streamGenerateContent",
            "/v1beta/TUNEDMODELS/t:GenerateContent", "/v1beta/files/f:embedContent",
            "/v1/embeddings/cancel", "/v1/completions/search", "/v1/images/generations/cancel",
            "/v1beta/models/m:generateContent:cancel", "/v1beta/models/m:embedContent:upload",
        ])
    func works(_ target: String) {
        #expect(RequestWork.isBilled(method: "POST", target: target))
        // To look at it is free, wherever it is.
        for method in ["GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS", "get"] {
            #expect(!RequestWork.isBilled(method: method, target: target))
        }
    }

    @Test(
        "what counts, stops, prepares or is kept already is not",
        arguments: [
            "/v1/responses/resp_1/cancel", "/v1/responses/resp_1/cancel?x", "/v1/responses/resp_1",
            "/v1/responses/input_tokens", "/a/v1/responses/resp_1/cancel/",
            "/v1/messages/count_tokens", "/v1/messages/count_tokens?beta=true",
            "/v1/messages/batches", "/v1/messages/batches/b/cancel", "/v1/batches",
            "/v1/batches/b/cancel", "/openai/batches/b/cancel", "/v1/chat/completions/chatcmpl-c",
            "/v1beta/models/m:countTokens", "/v1beta/models/m:COUNTTOKENS",
            "/v1beta/models/m:computeTokens", "/v1beta/models/m:batchGenerateContent",
            "/v1beta/batches/b:cancel", "/v1beta/operations/o:cancel", "/v1beta/cachedContents",
            "/v1beta/interactions/i/cancel", "/v1/files", "/v1/uploads/u/complete",
            "/v1/vector_stores/v/search", "/v1/fine_tuning/jobs", "/v1/conversations",
            "/v1/assistants", "/v1/threads", "/v1/threads/t/messages", "/v1/threads/t/runs/r",
            "/v1/threads/t/runs/r/cancel", "/v1/tokenize", "/tokenize", "/v1/detokenize",
            "/v1/realtime/client_secrets", "/openai/files", "/V1/Messages/Count_Tokens",
            "/v1beta/models/qwen3:8b:countTokens", "/v1/models/a%2Fb:countTokens",
        ])
    func quiet(_ target: String) {
        #expect(!RequestWork.isBilled(method: "POST", target: target))
    }

    @Test(
        "what a vendor does later, or for a credential that it makes, is out of sight",
        arguments: [
            "/v1/batches", "/a/v1/batches?x=1", "/openai/batches", "/v1/b%61tches", "/V1/Batches/",
            "//v1//batches", "/v1/messages/batches", "/v1beta/models/m:batchGenerateContent",
            "/v1beta/models/m:asyncBatchEmbedContent", "/v1beta/tunedModels",
            "/v1/fine_tuning/jobs", "/v1/fine_tuning/jobs/j/resume", "/v1/evals/e/runs",
            "/v1/fine_tuning/alpha/graders/run", "/v1/realtime/client_secrets",
            "/v1/realtime/translations/client_secrets", "/v1/realtime/sessions",
            "/v1/realtime/calls", "/v1alpha/auth_tokens", "/v1/chatkit/sessions",
            "/v1beta/cachedContents", "/v1beta/fileSearchStores/s:importFile",
            "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore",
            "/v1/containers", "/openai/v1/containers?x=1", "/v1/vector_stores",
            "/v1/vector_stores/v/files", "/v1/vector_stores/v/file_batches",
            "/v1/vector_stores/v/search", "/V1/vector%5Fstores/v/search",
        ])
    func outOfSight(_ target: String) {
        let isPost = RequestWork.isOutOfSight(method: "POST", target: target, hasBody: true)
        #expect(isPost, "\(target)")
        for method in ["GET", "DELETE", "HEAD"] {
            #expect(!RequestWork.isOutOfSight(method: method, target: target, hasBody: false))
        }
    }

    @Test("a prompt that comes by another method is out of sight")
    func otherMethods() {
        for method in ["PUT", "PATCH", "DELETE", "GET", "QUERY"] {
            for (target, hasBody, isOutOfSight) in [
                ("/v1/chat/completions", true, true), ("/v1/messages", true, true),
                ("/v1beta/models/m:generateContent", true, true), ("/v1/own", true, true),
                ("/v1/chat/completions", false, false), ("/v1/models/m", false, false),
                ("/v1/assistants/a", true, false), ("/v1beta/cachedContents/c", true, false),
                ("/v1/chat/completions/chatcmpl-1", true, false), ("/v1/files/f", true, false),
            ] {
                let found = RequestWork.isOutOfSight(
                    method: method, target: target, hasBody: hasBody)
                #expect(found == isOutOfSight, "\(method) \(target)")
            }
        }
    }

    @Test(
        "what is counted, or makes no model work, is in sight",
        arguments: [
            "/v1/chat/completions", "/batches/v1/chat/completions", "/v1/responses",
            "/v1/batches/b/cancel", "/v1/messages/batches/b/cancel",
            "/v1/fine_tuning/jobs/j/cancel", "/v1/containers/c/files", "/v1/vector_stores/v",
            "/v1/vector_stores/v/file_batches/b/cancel", "/v1/vector_stores/v/files/f",
            "/v1beta/batches/b:cancel", "/v1/evals", "/v1/files", "/v1/realtime/calls/c/hangup",
            "/v1/messages", "/v1/messages/count_tokens", "/v1beta/models/m:generateContent",
            "/v1beta/models/m:batchEmbedContents", "/v1/embeddings?x=/batches", "/", "",
        ])
    func inSight(_ target: String) {
        let isOutOfSight = RequestWork.isOutOfSight(method: "POST", target: target, hasBody: true)
        #expect(!isOutOfSight, "\(target)")
    }

    @Test("a path says whether a request is one conversation, and whether the vendor keeps it")
    func conversations() {
        for target in [
            "/v1/chat/completions?x=/embeddings", "/v1/responses", "/v1/messages",
            "/v1beta/models/m:streamGenerateContent",
        ] {
            #expect(RequestWork.isConversation(target: target), "\(target)")
            #expect(!RequestWork.readsStored(target: target), "\(target)")
        }
        for target in ["/v1/embeddings", "/v1/completions", "/", "/v1/m:batchEmbedContents"] {
            #expect(!RequestWork.isConversation(target: target), "\(target)")
        }
        #expect(RequestWork.readsStored(target: "/v1/threads/t/runs"))
        #expect(RequestWork.readsStored(target: "/a/v1/threads/runs?x"))
    }

    @Test("a record whose beginning is lost may have been anything")
    func lost() {
        #expect(RequestWork.isBilled(method: "", target: ""))
    }
}
