import Dialects
import Testing

@testable import Access

@Suite("Bounds of requests")
struct RequestBoundTests {
    static func bound(_ text: String, _ limits: AnswerLimits = .chat) -> RequestBound {
        RequestBound(Array(text.utf8).span, limits)
    }

    @Test(
        "the limit of an answer is found, and never becomes a small one",
        arguments: [
            (#"{"max_tokens":5}"#, 5, 1), (#"{"max_completion_tokens":6,"n":3}"#, 6, 3),
            (#"{"prompt":["a","b","c"],"n":2,"max_tokens":5}"#, 5, 6),
            (#"{"prompt":[[1,2],[3]],"max_tokens":5}"#, 5, 2),
            (#"{"prompt":[1,2,3],"max_tokens":5}"#, 5, 1),
            (#"{"max_tokens":0}"#, 0, 1), (#"{"max_tokens":-1}"#, nil, 1),
            (#"{"max_tokens":1e18}"#, 1 << 40, 1), (#"{"max_tokens":1e999}"#, 1 << 40, 1),
            (#"{"max_tokens":"5"}"#, 5, 1), (#"{"max_tokens":1.5}"#, 2, 1),
            (#"{"max_tokens":null}"#, nil, 1), (#"{"max_tokens":[5]}"#, nil, 1),
            (#"{"max_tokens":9,"max_tokens":5}"#, 9, 1),
            (#"{"n":-5,"max_tokens":5}"#, 5, 1), (#"{"n":1e30,"max_tokens":5}"#, 5, 1 << 20),
            (#"{"n":"4"}"#, nil, 4), (#"{"best_of":2}"#, nil, 2),
            (#"{"\u006dax_tokens":9,"max_token\u0073":8}"#, 9, 1),
            (#"{"\u006e":4,"max_tokens":5}"#, 5, 4),
            (#"{"messages":[{"max_tokens":5}]}"#, nil, 1), ("{}", nil, 1), ("", nil, 1),
            (#"{"max_tokens":5"#, nil, 1), ("not JSON", nil, 1),
        ])
    func output(_ text: String, _ output: Int?, _ answers: Int) {
        let bound = Self.bound(text)
        #expect(bound.output == output, "\(text)")
        #expect(bound.answers == answers, "\(text)")
        #expect(bound.input <= text.utf8.count && bound.input >= 0)
        #expect(bound.output(of: .max) <= 1 << 40 && bound.output(of: 3) >= 3)
    }

    @Test(
        "a limit under a name of another API is none, and makes no reservation smaller",
        arguments: [
            (#"{"max_output_tokens":7}"#, AnswerLimits.responses, 7, 0),
            (#"{"max_output_tokens":7}"#, .chat, nil, 7),
            (#"{"max_tokens":7}"#, .responses, nil, 7), (#"{"max_tokens":7}"#, .messages, 7, 0),
            (#"{"max_tokens_to_sample":7}"#, .messages, 7, 0),
            (#"{"max_tokens":7}"#, .gemini, nil, 7),
            (#"{"max_completion_tokens":7,"max_tokens":9}"#, .messages, 9, 7),
            (#"{"generationConfig":{"maxOutputTokens":8}}"#, .gemini, 8, 0),
            (#"{"generation_config":{"max_output_tokens":8}}"#, .gemini, 8, 0),
            (#"{"generationConfig":{"maxOutputTokens":8}}"#, .chat, nil, 8),
            (#"{"generationConfig":{"max_tokens":8}}"#, .chat, nil, 8),
        ] as [(String, AnswerLimits, Int?, Int)])
    func foreignLimits(_ text: String, _ limits: AnswerLimits, _ output: Int?, _ atLeast: Int) {
        let bound = Self.bound(text, limits)
        #expect(bound.output == output && bound.outputAtLeast == atLeast, "\(text) \(limits)")
    }

    @Test(
        "which limits an API has follows from its dialect and its path",
        arguments: [
            (Dialect.openai, "/v1/chat/completions", AnswerLimits.chat),
            (.openai, "/v1/completions?a=/responses", .chat),
            (.openai, "/a/v1/responses", .responses),
            (.openai, "/V1/Responses/compact", .responses),
            (.anthropic, "/v1/responses", .messages),
            (.gemini, "/v1beta/models/m:generateContent", .gemini),
        ])
    func limits(_ dialect: Dialect, _ target: String, _ limits: AnswerLimits) {
        #expect(AnswerLimits(dialect, target: target) == limits, "\(target)")
    }

    @Test("a limit that a vendor may obey counts where it is larger than what is usual")
    func foreignLimitCounts() throws {
        let prices = Prices(most: ["m": (input: 0, output: 100)], rates: ["m": 1, "n": 1])
        func cost(_ text: String, _ model: String) throws -> Int {
            let bound = try CallBound(
                Self.bound(text, .chat), at: Self.models(model), prices, outputDefault: 50,
                isPriced: true, allowsUnpriced: false)
            return bound.nanodollars - bound.input
        }
        #expect(try cost(#"{"max_output_tokens":1}"#, "m") == 100)
        #expect(try cost(#"{"max_output_tokens":1}"#, "n") == 50)
        #expect(try cost(#"{"max_output_tokens":70}"#, "n") == 70)
        #expect(try cost(#"{"max_output_tokens":700}"#, "m") == 100)
    }

    @Test("what a vendor writes before the prompt for its tools is a part of it")
    func toolTexts() {
        let text = RequestBound.toolTextTokens
        for (body, count) in [
            ("{}", 0), (#"{"tools":[{"name":"f","input_schema":{"tools":[]}}]}"#, 1),
            (#"{"tools":[{"type":"function"},{"type":"custom"}]}"#, 1),
            (#"{"tools":[{"type":"bash_20250124"},{"type":"computer_20250124"}]}"#, 3),
            (#"{"messages":[{"tools":[]}]}"#, 0),
        ] { #expect(Self.bound(body).input == body.utf8.count + count * text, "\(body)") }
    }

    @Test("a form's number of answers counts, and one that cannot be read counts as many")
    func forms() {
        let field = "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n8\r\n--b--\r\n"
        for (body, type, answers) in [
            (field, "multipart/form-data; boundary=b", 8),
            (field.replacing("8", with: "x"), "multipart/form-data; boundary=b", 128),
            (field.replacing("8", with: "9999999999"), "multipart/form-data; boundary=b", 1 << 20),
            (field.replacing("; name", with: ";\r\n name"), "multipart/form-data; boundary=b", 128),
            (field.replacing("\"n\"", with: "\"m\""), "multipart/form-data; boundary=b", 1),
            ("prompt=a&n=3&n=2", "application/x-www-form-urlencoded", 3),
            ("prompt=a&%6e=3", "application/x-www-form-urlencoded", 128),
            ("n=3", "text/plain", 1),
        ] {
            let bound = RequestBound(
                Array(body.utf8).span, .chat, contentType: Array(type.utf8).span)
            #expect(bound.answers == answers, "\(body) \(type)")
        }
    }

    @Test("text counts a token a byte, a picture a constant")
    func pictures() {
        let bytes = String(repeating: "iVBORw0KGgo", count: 4000)
        func message(_ part: String) -> String { #"{"messages":[{"content":[\#(part)]}]}"# }
        let url = "data:image/png;base64,\(bytes)"
        for text in [
            message(#"{"image_url":{"url":"\#(url)"}}"#),
            #"{"input":[{"content":[{"image_url":"\#(url)"}]}]}"#,
            message(#"{"source":{"data":"\#(bytes)","media_type":"image/png"}}"#),
            message(#"{"inlineData":{"mimeType":"image/png","data":"\#(bytes)"}}"#),
        ] {
            let bound = Self.bound(text)
            #expect(bound.input < RequestBound.pictureTokens + 200)
            #expect(bound.input > RequestBound.pictureTokens && !bound.isOpenEnded)
        }
        // The same bytes as text, or as a sound, cost what they are long.
        for text in [
            #"{"messages":[{"content":"data:image/png;base64,\#(bytes)"}]}"#,
            #"{"messages":[{"source":{"data":"\#(bytes)","media_type":"audio/mp3"}}]}"#,
            #"{"messages":[{"input":{"data":"\#(bytes)","mime_type":"image/png"}}]}"#,
        ] {
            #expect(Self.bound(text).input == text.utf8.count)
            #expect(!Self.bound(text).isOpenEnded)
        }
    }

    @Test(
        "what the body does not contain leaves the prompt without a bound",
        arguments: [
            (#"{"messages":[{"content":[{"image_url":{"url":"https://a.b/c.png"}}]}]}"#, true),
            (#"{"messages":[{"content":[{"source":{"type":"url","url":"https://a"}}]}]}"#, true),
            (#"{"previous_response_id":"r"}"#, true), (#"{"conversation":{"id":"c"}}"#, true),
            (#"{"prompt":{"id":"p"}}"#, true), (#"{"prompt":"text"}"#, false),
            (#"{"input":[{"content":[{"type":"input_file","file_id":"f"}]}]}"#, true),
            (#"{"contents":[{"parts":[{"fileData":{"fileUri":"u"}}]}]}"#, true),
            (#"{"cachedContent":"c"}"#, true), (#"{"mcp_servers":[{}]}"#, true),
            (#"{"tools":[{"type":"web_search_20250305","name":"w"}]}"#, true),
            (#"{"tools":[{"type":"file_search"}]}"#, true),
            (#"{"tools":[{"googleSearch":{}}]}"#, true),
            (#"{"tools":[{"type":"function","function":{"name":"f","parameters":{}}}]}"#, false),
            (#"{"tools":[{"name":"f","input_schema":{"type":"object"}}]}"#, false),
            (#"{"tools":[{"type":"bash_20250124","name":"bash"}]}"#, false),
            (#"{"tools":[{"\u0067oogleSearch":{}}]}"#, true),
            // What a tool was called with is the caller's own text.
            (#"{"messages":[{"content":[{"input":{"url":"https://a","file_id":"f"}}]}]}"#, false),
            (#"{"messages":[{"content":"see https://a.b"}]}"#, false),
            // An item that the vendor keeps, by its name alone, with its type or without.
            (#"{"input":[{"type":"item_reference","id":"i"}]}"#, true),
            (#"{"input":[{"id":"i"}]}"#, true), (#"{"input":[{"id":"i","type":null}]}"#, true),
            (#"{"input":[{"id":"i","type":"message","content":"a"}]}"#, false),
            (#"{"messages":[{"id":"i"}]}"#, false), (#"{"metadata":{"id":"i"}}"#, false),
            // The pages of a document, or of a film, are not as long as its bytes.
            (#"{"messages":[{"source":{"data":"JVBE","media_type":"application/pdf"}}]}"#, true),
            (
                #"{"contents":[{"parts":[{"inlineData":{"data":"a","mimeType":"video/mp4"}}]}]}"#,
                true
            ),
            // Whose kind is not said may be either.
            (#"{"contents":[{"parts":[{"inlineData":{"data":"JVBE"}}]}]}"#, true),
            (#"{"contents":[{"parts":[{"inline_data":{"data":"JVBE","mime_type":7}}]}]}"#, true),
            (#"{"messages":[{"content":[{"source":{"type":"base64","data":"JVBE"}}]}]}"#, true),
            (#"{"messages":[{"content":[{"type":"redacted_thinking","data":"JV"}]}]}"#, false),
            (#"{"container":"c","messages":[]}"#, true),
            (#"{"container":{"id":"c","skills":[]},"messages":[]}"#, true),
            (#"{"messages":[{"content":"a"}],"metadata":{"container":{}}}"#, false),
            (#"{"input":[{"content":[{"file_data":"data:application/pdf;base64,JVBE"}]}]}"#, true),
            (#"{"messages":[{"content":[{"file":{"file_data":"JVBE"}}]}]}"#, true),
            (#"{"messages":[{"content":[{"file":{"file_data":"data:text/csv,a"}}]}]}"#, false),
            (#"{"messages":[{"source":{"data":"a","media_type":"text/plain"}}]}"#, false),
            // A name and nothing else that means something.
            (#"{"input":[{"id":"i","status":null}]}"#, true),
            (#"{"input":[{"id":"i","status":"completed","content":[]}]}"#, true),
            (#"{"input":[{"id":"r","type":"reasoning","summary":[]}]}"#, true),
            (#"{"input":[{"id":"r","type":"reasoning","summary":[{"text":"a"}]}]}"#, true),
            (#"{"input":[{"id":"r","type":"reasoning","encrypted_content":"a"}]}"#, false),
            (#"{"messages":[{"role":"assistant","audio":{"id":"a"}}]}"#, true),
            (#"{"messages":[],"audio":{"voice":"alloy","format":"wav"}}"#, false),
            (#"{"messages":[{"content":[{"input_audio":{"data":"a","format":"wav"}}]}]}"#, false),
            (#"{"previous_interaction_id":"i"}"#, true), (#"{"agent":"deep-research"}"#, true),
            (#"{"input":[{"type":"image","uri":"https://a"}]}"#, true),
            (#"{"tools":[{"google_maps":{}}]}"#, true),
            (#"{"tools":[{"google_search_retrieval":{}}]}"#, true),
            (#"{"tools":[{"enterpriseWebSearch":{}}]}"#, true),
            (#"{"tools":[{"retrieval":{"vertexAiSearch":{}}}]}"#, true),
            (#"{"tools":[{"functionDeclarations":[{"name":"search_web"}]}]}"#, false),
            (#"{"tools":[{"parameters":{"properties":{"search":{"type":"string"}}}}]}"#, false),
            // Films, sounds and documents at an address, and several of them.
            (#"{"messages":[{"content":[{"video_url":{"url":"https://a"}}]}]}"#, true),
            (#"{"messages":[{"content":[{"audio_url":"https://a"}]}]}"#, true),
            (#"{"document":{"type":"document_url","document_url":"https://a"}}"#, true),
            (#"{"image_urls":["https://a"]}"#, true), (#"{"url":"https://a"}"#, true),
            (#"{"messages":[{"content":[{"video_url":"data:video/mp4;base64,A"}]}]}"#, true),
            (#"{"input":[{"type":"video","video":{"data":"A"}}]}"#, true),
            (#"{"messages":[{"annotations":[{"url":"https://a"}]}]}"#, false),
            (#"{"data_sources":[{"type":"azure_search"}]}"#, true),
            (#"{"search_parameters":{"mode":"on"}}"#, true),
            // Tools of the vendor's that a turn adds, or that stand in another one.
            (#"{"tools":[{"mcpServers":[{}]}]}"#, true),
            (#"{"input":[{"type":"additional_tools","tools":[{"type":"web_search"}]}]}"#, true),
            (#"{"messages":[{"content":[{"tool":{"type":"web_search_20250305"}}]}]}"#, true),
            (#"{"tools":[{"type":"namespace","tools":[{"type":"web_search"}]}]}"#, true),
            (#"{"tools":[{"type":"namespace","tools":[{"type":"function"}]}]}"#, false),
            // What a tool's own parts are is none of a tool's kinds.
            (#"{"tools":[{"name":"f","cache_control":{"type":"ephemeral"}}]}"#, false),
            (#"{"tools":[{"type":"custom","format":{"type":"grammar","syntax":"lark"}}]}"#, false),
            // To some readers of JSON large and small letters are the same.
            (#"{"PREVIOUS_RESPONSE_ID":"r"}"#, true), (#"{"File_Id":"f"}"#, true),
        ])
    func openEnded(_ text: String, _ isOpenEnded: Bool) {
        #expect(Self.bound(text).isOpenEnded == isOpenEnded, "\(text)")
    }

    @Test(
        "a body that only a lenient vendor reads has no bound",
        arguments: [
            (#"{"temperature":NaN,"n":128}"#, false), ("\u{FEFF} {\"a\":1,}", false),
            ("[1,", false),
            (String(repeating: "[", count: 600), false), ("{}", true), ("", true),
            ("--boundary\r\n", true), ("n=4&prompt=a", true),
        ])
    func unreadable(_ text: String, _ isReadable: Bool) throws {
        let request = Self.bound(text)
        #expect(request.isReadable == isReadable, "\(text)")
        func bound(isPriced: Bool, allowsUnpriced: Bool = false) throws -> CallBound {
            try CallBound(
                request, at: Self.models("m"), Prices(rates: ["m": 1]), outputDefault: 8,
                isPriced: isPriced, allowsUnpriced: allowsUnpriced)
        }
        if isReadable {
            #expect(try bound(isPriced: true).nanodollars == request.input + 8)
        } else {
            #expect(throws: CallBound.Obstacle.unreadable) { try bound(isPriced: true) }
        }
        _ = try bound(isPriced: false)
        _ = try bound(isPriced: true, allowsUnpriced: true)
    }

    @Test("marks of a cache are seen wherever they stand")
    func caches() {
        let text = #"{"system":[{"text":"a","cache_control":{"type":"ephemeral"}}]}"#
        #expect(Self.bound(text).writesCache && !Self.bound("{}").writesCache)
        let unread = RequestBound(unreadBytes: 5)
        #expect(unread.writesCache && unread.isOpenEnded && unread.answers == 128)
    }

    struct Prices: Pricing {
        var most: [String: (input: Int?, output: Int?)] = [:]
        var rates: [String: Int] = [:]

        func tokensMax(of model: PricedModel) -> (input: Int?, output: Int?) {
            most[model.name] ?? (nil, nil)
        }

        func bound(input: Int, output: Int, writesCache: Bool, of model: PricedModel) -> Int? {
            rates[model.name].map { $0 * (input + output) }
        }

        func nanodollars(for call: PricedCall) -> Int? { nil }
    }

    @Test(
        "a number that vendors may read differently is believed by none",
        arguments: [
            #"{"n":" 100 "}"#, #"{"n":"1_00"}"#, #"{"n":"\u0031\u0030"}"#, #"{"n":"+9"}"#,
            #"{"n":"0000000000000000000000000100"}"#, #"{"n":true}"#, #"{"n":"1e2"}"#,
            #"{"max_tokens":5,"max_completion_tokens":" 100000 "}"#, #"{"max_tokens":"ten"}"#,
            #"{"max_tokens":"１２"}"#, #"{"max_tokens":""}"#, #"{"N":"x"}"#,
        ])
    func unclear(_ text: String) throws {
        let request = Self.bound(text)
        #expect(request.unclearNumber != nil && request.answers == 128, "\(text)")
        #expect(request.output == nil)
        func bound(isPriced: Bool, allows: Bool = false) throws -> CallBound {
            try CallBound(
                request, at: Self.models("m"), Prices(rates: ["m": 1]), outputDefault: 8,
                isPriced: isPriced, allowsUnpriced: allows)
        }
        let name = try #require(request.unclearNumber)
        #expect(throws: CallBound.Obstacle.unclear(name)) { try bound(isPriced: true) }
        #expect(try bound(isPriced: false).expectedTokens >= 8 * 128)
    }

    @Test(
        "large and small letters are the same to some readers of JSON",
        arguments: [
            #"{"MAX_TOKENS":9,"N":4}"#, #"{"Max_Tokens":9,"max_tokens":5,"n":4}"#,
            #"{"max_to\u212Aens":9,"\u004E":4}"#, #"{"max_token\u017F":9,"N":4}"#,
        ])
    func letters(_ text: String) {
        let bound = Self.bound(text)
        // To others it is no limit at all: it may raise one, and never be the only one.
        #expect(bound.output == (text.contains("max_tokens\":5") ? 5 : nil), "\(text)")
        #expect(bound.outputAtLeast == 9 && bound.answers == 4, "\(text)")
    }

    @Test(
        "of two members with one name a vendor may read the one that is no limit",
        arguments: [
            (#"{"max_tokens":1,"max_tokens":null}"#, AnswerLimits.chat, nil),
            (#"{"max_tokens":null,"max_tokens":1}"#, .chat, nil),
            (#"{"max_tokens":1,"max_tokens":-1}"#, .chat, nil),
            (#"{"max_tokens":1,"max_tokens":{}}"#, .chat, nil),
            (#"{"max_tokens":1,"max_tokens":[1000]}"#, .chat, nil),
            (#"{"max_tokens":1,"max_tokens":7}"#, .chat, 7),
            (#"{"max_tokens":null,"max_completion_tokens":7}"#, .chat, 7),
            (#"{"max_output_tokens":1,"max_output_tokens":null}"#, .responses, nil),
            (#"{"generationConfig":{"maxOutputTokens":1},"generationConfig":{}}"#, .gemini, nil),
            (#"{"generationConfig":{"maxOutputTokens":1},"generationConfig":null}"#, .gemini, nil),
            (#"{"generationConfig":{"maxOutputTokens":1},"generation_config":{}}"#, .gemini, nil),
            (#"{"generationConfig":{"maxOutputTokens":1,"maxOutputTokens":null}}"#, .gemini, nil),
            (#"{"generationConfig":{"maxOutputTokens":7}}"#, .gemini, 7),
            (#"{"generationConfig":{"MaxOutputTokens":7}}"#, .gemini, nil),
            (#"{"max_tokens":7}"#, .none, nil),
        ] as [(String, AnswerLimits, Int?)])
    func duplicates(_ text: String, _ limits: AnswerLimits, _ output: Int?) {
        #expect(Self.bound(text, limits).output == output, "\(text)")
    }

    @Test("an API without a limit has none", arguments: ["images/generations", "audio/speech"])
    func otherAPIs(_ path: String) {
        #expect(AnswerLimits(.openai, target: "/v1/\(path)?a") == .none)
        #expect(AnswerLimits(.openai, target: "/v1/chat/completions") == .chat)
        #expect(AnswerLimits(.openai, target: "/v1/completions") == .chat)
        #expect(AnswerLimits(.openai, target: "/v1/responses/compact") == .responses)
    }

    @Test("what goes on without its client says so; inputs are known by their name")
    func background() {
        #expect(Self.bound(#"{"background":true}"#, .responses).outlivesClient)
        #expect(Self.bound(#"{"BackGround":true,"input":"a"}"#, .responses).outlivesClient)
        for text in [#"{"background":false}"#, #"{"metadata":{"background":true}}"#] {
            #expect(!Self.bound(text, .responses).outlivesClient)
        }
        #expect(Self.bound("{}").outliving().outlivesClient)
        #expect(Self.bound(#"{"inputs":"a"}"#).hasInputs && !Self.bound(#"{"items":[]}"#).hasInputs)
        let least = CallEnd()
        #expect(!least.goesOn)
    }

    @Test("a form may name an address, or a kept file", arguments: ["url", "file_url", "file_id"])
    func forms(_ name: String) {
        let body =
            "--x\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\na\r\n--x--\r\n"
        for (text, type, isOpenEnded) in [
            (body, "multipart/form-data; boundary=x", true),
            (body.replacing(name, with: "file"), "multipart/form-data; boundary=x", false),
            ("a=b&\(name)=c", "application/x-www-form-urlencoded", true),
            ("a=b&c=\(name)", "application/x-www-form-urlencoded", false),
        ] {
            let bound = RequestBound(
                Array(text.utf8).span, .none, contentType: Array(type.utf8).span)
            #expect(bound.isOpenEnded == isOpenEnded, "\(text)")
        }
    }

    @Test(
        "each text of a list may be as long as a prompt",
        arguments: [
            (#"{"input":["a","b","c"]}"#, AnswerLimits.chat, 3), (#"{"input":"a"}"#, .chat, 1),
            (#"{"input":[1,2,3]}"#, .chat, 1), (#"{"input":[[1],[2]]}"#, .chat, 2),
            (#"{"prompt":["a","b"]}"#, .chat, 2), (#"{"requests":[{},{}]}"#, .gemini, 2),
            (#"{"input":[{"content":"a"},{"content":"b"}]}"#, .responses, 1),
            (#"{"messages":[{},{},{}]}"#, .chat, 1), (#"{"contents":[{},{}]}"#, .gemini, 1),
            (#"{"messages":[],"input":["a","b"]}"#, .chat, 2), (#"{"query":"a"}"#, .chat, nil),
        ] as [(String, AnswerLimits, Int?)])
    func lists(_ text: String, _ limits: AnswerLimits, _ count: Int?) throws {
        let padding = #","user":"\#(String(repeating: "a", count: 500))"}"#
        let request = Self.bound(String(text.dropLast()) + padding, limits)
        #expect(request.promptsMax == count, "\(text)")
        let bound = try CallBound(
            request, at: Self.models("m"), Prices(most: ["m": (10, 1)], rates: ["m": 1]),
            outputDefault: 8, isPriced: true, allowsUnpriced: false)
        #expect(bound.input == count.map { $0 * 10 } ?? request.input)
    }

    @Test("a limit that the translation writes counts where the request has none")
    func written() throws {
        var model = Self.models("m")[0]
        model.writtenOutput = 64_000
        func bound(_ text: String) throws -> Int {
            let prices = Prices(rates: ["m": 1])
            return try CallBound(
                Self.bound(text), at: [model], prices, outputDefault: 8, isPriced: true,
                allowsUnpriced: false
            ).nanodollars
        }
        #expect(try bound("{}") == 64_002)
        #expect(try bound(#"{"max_tokens":5}"#) == 21)
    }
}
