import Primitives
import Testing

@testable import Dialects

/// What a target says of its model, and what two servers may read in it.
@Suite("The model of a target")
struct PathModelTests {
    @Test(
        "is the one that its path names, in whatever form",
        arguments: [
            ("/openai/deployments/d/chat/completions?api-version=1", "d"),
            ("/v1/engines/a%20b/completions", "a b"), ("/Openai/Deployments/D/embeddings", "D"),
            ("/openai/deployments/d", "d"), ("/v1/deployments//big/chat/completions", "big"),
            ("/v1/models/big", "big"), ("/v1/models/org/big?x=1", "org/big"),
            ("/v1/models/ft:gpt-4o::x", "ft:gpt-4o::x"), ("/v1/models/llama3:8b", "llama3:8b"),
            ("/v1beta/models/big:generateContent", "big"),
            ("/v1beta/models/big/operations/o", "big"), ("/v1/tunedModels/t:generateContent", "t"),
            ("/v1/projects/p/locations/l/publishers/google/models/big:rawPredict", "big"),
            ("/v1/projects/p/locations/l/endpoints/123:predict", "123"),
            ("/model/big/invoke", "big"), ("/model/a.b-v1%3A0/converse-stream", "a.b-v1:0"),
            ("/model/arn%3Aaws%3Ax%2Fname/invoke-with-response-stream", "arn:aws:x/name"),
            ("/v1/realtime?model=big", "big"), ("/v1/realtime?mode%6c=big", "big"),
        ])
    func named(_ target: String, _ name: String) {
        #expect(PathModel(target, isGemini: false).finding == .named(name))
    }

    @Test(
        "is none where the target names none",
        arguments: [
            "/v1/chat/completions?x=/engines/e/y", "/v1/engines", "/", "/v1/models", "/v1/models/",
            "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "/model/big/other",
        ])
    func unnamed(_ target: String) {
        #expect(PathModel(target, isGemini: false).finding == .none)
    }

    @Test(
        "is found in every spelling, and does not decide where only some servers read it",
        arguments: [
            "/v1/deplo%79ments%2Fbig/x", "/v1/deployments%2Fbig/chat/completions",
            #"/v1/deployments\big\chat\completions"#, "/v1/deployments;x/big/chat/completions",
            "/v1/deployments%252Fbig/chat/completions", "/v1/deployments%5Cbig/embeddings",
            "/model%2Fbig/invoke", "/v1/mod%65ls%2Fbig",
        ])
    func spelled(_ target: String) {
        let model = PathModel(target, isGemini: false)
        #expect(model.finding == .named("big") && !model.isDecided)
    }

    @Test(
        "is found behind escapes",
        arguments: [
            "/v1/deplo%79ments/big/chat/completions", "/v1/%64eployments/b%69g/chat/completions",
            "/v1/m%6fdels/big", "/mode%6c/big/%69nvoke",
        ])
    func escaped(_ target: String) {
        #expect(PathModel(target, isGemini: false).finding == .named("big"))
    }

    @Test(
        "is unclear where two servers may read two",
        arguments: [
            "/v1/deployments/small%2F..%2Fbig/chat/completions",
            "/v1/deployments/./big/chat/completions", "/v1/deployments/big%2Fchat/completions",
            "/v1/deployments/small/deployments/big/chat/completions",
            "/v1/realtime?model=small&model=big", "/v1/models/sm%2561ll",
            "/v1beta/models/small/models/big:generateContent",
            "/v1/deployments/big/chat/completions?model=small",
        ])
    func unclear(_ target: String) {
        guard case .unreadable = PathModel(target, isGemini: false).finding else {
            Issue.record("\(target) is clear")
            return
        }
    }

    @Test(
        "makes a request work that some server reads as such",
        arguments: [
            ("/v1/files/../chat/completions", true), ("/v1/files%2F..%2Fchat/completions", true),
            ("/v1/files/x", false), ("/v1/ch%61t/completions", true),
        ])
    func work(_ target: String, _ isBilled: Bool) {
        #expect(RequestWork.isBilled(method: "POST", target: target) == isBilled)
    }

    @Test("leaves nothing unseen behind escapes")
    func hidden() {
        for target in ["/v1/thre%61ds/runs", "/v1/thre%2561ds/runs", #"/v1\threads\runs"#] {
            #expect(RequestWork.readsStored(target: target), "\(target)")
        }
        #expect(RequestWork.keepsConversation(method: "POST", target: "/v1/convers%61tions"))
        let isOutOfSight = RequestWork.isOutOfSight(
            method: "POST", target: "/v1/b%2561tches", hasBody: true)
        #expect(isOutOfSight)
        #expect(!RequestWork.isConversation(target: "/v1/chat/completions%2F..%2Fmore"))
    }
}
