import Dialects
public import JSON
import Primitives

extension StoredRecord {
    /// The record as exports hold it; bodies as text, or in base 64 where they are none.
    public func json(withBodies: Bool) -> JSONValue {
        var writer = MemberWriter()
        writer.add("id", id)
        writer.add("time", Timestamp.text(microseconds: record.acceptedMicroseconds))
        writer.add("outcome", record.outcome)
        writer.add("status", record.status)
        writer.add("method", record.method)
        writer.add("target", record.target)
        writer.add("dialect", record.dialect.rawValue)
        writer.add("chain", record.chain)
        writer.add("vendor", record.vendor)
        writer.add("model", record.model)
        writer.add("answering_model", record.answeringModel)
        writer.add("key", record.key)
        writer.add("stream", record.isStream)
        writer.add("answered", record.answered)
        writer.members.append(
            JSONValue.Member("attempts", AttemptList.value(record.attempts)))
        writer.add("request_us", record.requestMicroseconds)
        writer.add("head_us", record.headMicroseconds)
        writer.add("content_us", record.contentMicroseconds)
        writer.add("last_byte_us", record.lastByteMicroseconds)
        writer.add("end_us", record.endMicroseconds)
        writer.add("request_bytes", record.requestBytes)
        writer.add("response_bytes", record.responseBytes)
        writer.add("usage_state", record.usageState.rawValue)
        writer.add("input_tokens", record.usage.input)
        writer.add("output_tokens", record.usage.output)
        writer.add("cache_read_tokens", record.usage.cacheRead)
        writer.add("cache_write_tokens", record.usage.cacheWrite)
        writer.add("cache_write_long_tokens", record.usage.cacheWriteLong)
        writer.add("reasoning_tokens", record.usage.reasoning)
        writer.add("image_input_tokens", record.usage.imageInput)
        writer.add("image_output_tokens", record.usage.imageOutput)
        writer.add("audio_input_tokens", record.usage.audioInput)
        writer.add("audio_output_tokens", record.usage.audioOutput)
        if record.serviceTier != .standard {
            writer.add("service_tier", record.serviceTier.rawValue)
        }
        if let usage = try? JSONValue(parsing: record.usageText) {
            writer.members.append(JSONValue.Member("usage", usage))
        }
        writer.add("cost_usd", record.costNanodollars.map { Double($0) / 1e9 })
        writer.add("price_version", record.priceVersion)
        writer.add("finish_reason", record.finishReason)
        writer.add("error_kind", record.errorKind)
        writer.add("error_message", record.errorMessage)
        writer.add("dropped_frames", record.droppedFrames)
        writer.add("trace", record.trace)
        if withBodies {
            writer.add("request_fields", record.requestFields)
            writer.add("request", record.requestBody)
            writer.add("response_fields", record.responseFields)
            writer.add("response", record.responseBody)
        }
        return .object(writer.members)
    }
}

/// Gathers members of an object; what is empty is left out.
private struct MemberWriter {
    var members: [JSONValue.Member] = []

    mutating func add(_ name: String, _ text: String) {
        if !text.isEmpty { members.append(JSONValue.Member(name, .string(text))) }
    }

    mutating func add(_ name: String, _ number: Int?) {
        if let number { members.append(JSONValue.Member(name, .number("\(number)"))) }
    }

    mutating func add(_ name: String, _ number: Double?) {
        if let number { members.append(JSONValue.Member(name, .number("\(number)"))) }
    }

    mutating func add(_ name: String, _ flag: Bool) {
        members.append(JSONValue.Member(name, .bool(flag)))
    }

    mutating func add(_ name: String, _ body: Record.Body) {
        guard body.totalBytes > 0 else { return }
        if let text = String(validating: body.bytes, as: UTF8.self) {
            add("\(name)_body", text)
        } else {
            add("\(name)_body_base64", Base64.text(body.bytes))
        }
        if body.isCut { add("\(name)_body_is_cut", true) }
    }
}

/// Bytes in base 64, RFC 4648.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = min(3, bytes.count - start)
            var word: UInt32 = 0
            for offset in 0..<3 {
                word = word << 8 | (offset < rest ? UInt32(bytes[start + offset]) : 0)
            }
            for place in 0..<4 {
                let index = Int(word >> UInt32(18 - 6 * place) & 63)
                result.append(place <= rest ? alphabet[index] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
