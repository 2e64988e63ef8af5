import Dialects
import Primitives
import Testing

@Suite("Messages of a WebSocket")
struct SocketMessageTests {
    struct Sample: Sendable {
        var text: String
        var dialect = Dialect.openai
        var isFromClient = false
        var isCall = true
        var role: SocketMessage.Role
        var lane = ""
        var response = ""
        var status = 0
        var model = ""
        var transcriber: String?
    }

    static let samples: [Sample] = [
        Sample(
            text: #"{"type":"response.create","model":"gpt-5","input":[]}"#, isFromClient: true,
            role: .request),
        Sample(
            text: #"{"input":[{"type":"x"}],"stream_id":"b","type":"response.create"}"#,
            isFromClient: true, role: .request, lane: "b"),
        // The text breaks off where the beginning ends.
        Sample(
            text: #"{"type":"response.create","input":"a long one"#, isFromClient: true,
            role: .request),
        Sample(text: #"{"type":"session.update"}"#, isFromClient: true, role: .other),
        Sample(text: #"{"input":"type: response.create"#, isFromClient: true, role: .other),
        Sample(
            text: #"{"type":"response.created","response":{"id":"resp_1","model":"m"}}"#,
            role: .begin, response: "resp_1"),
        Sample(text: #"{"type":"response.output_text.delta","delta":"a"}"#, role: .event),
        Sample(
            text: #"{"type":"response.audio.delta","response_id":"resp_2"}"#, isCall: false,
            role: .event, response: "resp_2"),
        Sample(
            text: #"{"type":"response.completed","response":{"id":"r","output":["#, role: .end,
            response: "r"),
        Sample(text: #"{"type":"response.done","response":{}}"#, isCall: false, role: .end),
        Sample(text: #"{"type":"response.failed"}"#, role: .end),
        Sample(text: #"{"type":"response.incomplete","stream_id":"x"}"#, role: .end, lane: "x"),
        Sample(
            text: #"{"type":"error","status":429,"error":{"code":"a"}}"#, role: .end, status: 429),
        Sample(text: #"{"type":"error","error":{}}"#, isCall: false, role: .other),
        Sample(text: #"{"type":"codex.rate_limits"}"#, role: .other),
        Sample(
            text: #"{"type":"conversation.item.input_audio_transcription.completed","usage":{}}"#,
            isCall: false, role: .transcript),
        Sample(
            text: #"{"type":"conversation.item.input_audio_transcription.delta"}"#, isCall: false,
            role: .other),
        Sample(
            text: #"{"type":"session.update","session":{"audio":{"input":{"transcription":"#
                + #"{"model":"whisper-1"}}}}}"#, isFromClient: true, isCall: false, role: .other,
            transcriber: "whisper-1"),
        Sample(
            text: #"{"type":"session.created","session":{"input_audio_transcription":"#
                + #"{"model":"gpt-4o-transcribe"}}}"#, isCall: false, role: .other,
            transcriber: "gpt-4o-transcribe"),
        Sample(
            text: #"{"type":"session.updated","session":{"audio":{"input":{"transcription":null}"#,
            isCall: false, role: .other),
        Sample(text: #"{"type":"session.created","session":{"id":"s"}}"#, role: .other),
        Sample(
            text: #"{"setup":{"model":"models/gemini-live"}}"#, dialect: .gemini,
            isFromClient: true, role: .other, model: "models/gemini-live"),
        Sample(
            text: #"{"clientContent":{"turns":[]}}"#, dialect: .gemini, isFromClient: true,
            role: .request),
        Sample(text: #"{"setupComplete":{}}"#, dialect: .gemini, role: .other),
        Sample(
            text: #"{"serverContent":{"modelTurn":{"parts":[{"text":"a"}]}}}"#, dialect: .gemini,
            role: .event),
        Sample(
            text: #"{"serverContent":{"turnComplete":true},"usageMetadata":{"totalTokenCount":3}}"#,
            dialect: .gemini, role: .end),
        Sample(text: "", role: .other), Sample(text: "[1]", role: .other),
        Sample(text: "\u{1}\u{2}", role: .other), Sample(text: #"{"type":1}"#, role: .other),
    ]

    @Test("are known by their first bytes", arguments: samples)
    func roles(_ sample: Sample) {
        let message = SocketMessage(
            Array(sample.text.utf8).span, sample.dialect, isFromClient: sample.isFromClient,
            isCall: sample.isCall)
        #expect(message.role == sample.role, "\(sample.text)")
        #expect(message.lane == sample.lane)
        #expect(message.response == sample.response)
        #expect(message.status == sample.status)
        #expect(message.model == sample.model)
        #expect(message.transcriber == sample.transcriber)
    }
}
