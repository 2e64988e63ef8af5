public import JSON
import Primitives

/// A record's attempts as the JSON list that the store and exports hold.
public enum AttemptList {
    /// The list as text.
    public static func text(_ attempts: [Record.Attempt]) -> String {
        var buffer = ByteBuffer()
        write(attempts, to: &buffer)
        return buffer.bytes.text
    }

    /// Appends the list.
    static func write(_ attempts: [Record.Attempt], to buffer: inout ByteBuffer) {
        // Nearly every exchange has one attempt, which did not fail.
        guard attempts.count == 1, let only = attempts.first, only.failure.isEmpty,
            only.model.isEmpty, !only.isFresh, !only.wasSent, only.reason.isEmpty,
            only.translation.isEmpty,
            only.failedMicroseconds == nil, only.curlCode == 0, let head = only.headMicroseconds
        else { return value(attempts).write(to: &buffer) }
        buffer.append("[{\"vendor\":")
        JSONText.append(only.vendor, to: &buffer)
        buffer.append(",\"began_us\":")
        buffer.append(decimal: only.beganMicroseconds)
        buffer.append(",\"head_us\":")
        buffer.append(decimal: head)
        if only.status > 0 {
            buffer.append(",\"status\":")
            buffer.append(decimal: only.status)
        }
        buffer.append("}]")
    }

    /// The list as a value.
    public static func value(_ attempts: [Record.Attempt]) -> JSONValue {
        .array(attempts.map(member))
    }

    private static func member(_ attempt: Record.Attempt) -> JSONValue {
        var members = [JSONValue.Member("vendor", .string(attempt.vendor))]
        func add(_ name: String, _ text: String) {
            if !text.isEmpty { members.append(JSONValue.Member(name, .string(text))) }
        }
        func add(_ name: String, _ number: Int?) {
            if let number { members.append(JSONValue.Member(name, .number("\(number)"))) }
        }
        add("model", attempt.model)
        if attempt.isFresh { members.append(JSONValue.Member("fresh", .bool(true))) }
        add("began_us", attempt.beganMicroseconds)
        add("head_us", attempt.headMicroseconds)
        add("failed_us", attempt.failedMicroseconds)
        if attempt.status > 0 { add("status", attempt.status) }
        add("failure", attempt.failure)
        if attempt.curlCode > 0 { add("curl", attempt.curlCode) }
        add("reason", attempt.reason)
        add("translation", attempt.translation)
        if attempt.wasSent { members.append(JSONValue.Member("sent", .bool(true))) }
        return .object(members)
    }

    /// The attempts of a list; none where it is none.
    public static func attempts(_ text: String) -> [Record.Attempt] {
        guard let elements = (try? JSONValue(parsing: text))?.elements else { return [] }
        return elements.map { element in
            var attempt = Record.Attempt()
            attempt.vendor = element["vendor"]?.text ?? ""
            attempt.model = element["model"]?.text ?? ""
            attempt.isFresh = element["fresh"]?.isTrue ?? false
            attempt.beganMicroseconds = element["began_us"]?.integer ?? 0
            attempt.headMicroseconds = element["head_us"]?.integer
            attempt.failedMicroseconds = element["failed_us"]?.integer
            attempt.status = element["status"]?.integer ?? 0
            attempt.failure = element["failure"]?.text ?? ""
            attempt.curlCode = element["curl"]?.integer ?? 0
            attempt.reason = element["reason"]?.text ?? ""
            attempt.translation = element["translation"]?.text ?? ""
            attempt.wasSent = element["sent"]?.isTrue ?? false
            return attempt
        }
    }
}
