import ArgumentParser
import Dialects
import LogStore
import Primitives

/// `weir logs show`.
struct LogsShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "One exchange: its attempts in time, its fields and its bodies.",
        discussion: """
            --raw writes one body to standard output, byte for byte as it went over the wire. Exit \
            status 1 where that is not all of it: cut, redacted, or not kept.
            """)

    /// A body.
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case request, response
    }

    @OptionGroup var options: LogsOptions

    @Argument(help: "The exchange's id, as in x-weir-id, or its beginning.")
    var id: String

    @Option(name: .long, help: "Write the body of the request or the response, and nothing else.")
    var raw: Part?

    func run() throws {
        let (_, store) = try options.open()
        let found = try store.records(named: id)
        guard let stored = found.first else {
            Output.error("weir: no exchange has an id that begins with \(id)")
            throw ExitCode(1)
        }
        guard found.count == 1 else {
            Output.error("weir: several exchanges have ids that begin with \(id)")
            throw ExitCode(1)
        }
        if let raw {
            let body = RawBody(
                raw, of: stored.record, loss: stored.loss(of: "\(raw.rawValue)_body"))
            Output.bytes(body.bytes)
            guard let fault = body.fault else { return }
            Output.error("weir: the \(raw.rawValue)'s body \(fault)")
            throw ExitCode(1)
        }
        if options.json { return Output.exact("\(stored.json(withBodies: true))\n") }
        Output.text(Self.describe(stored))
    }

    private static func describe(_ stored: StoredRecord) -> String {
        let record = stored.record
        var lines = [
            "\(stored.id)  \(Timestamp.text(microseconds: record.acceptedMicroseconds))",
            Printable.text("\(record.method) \(record.target)"), "",
        ]
        var table = TextTable([("", .left), ("", .left)])
        func add(_ name: String, _ value: String) {
            if !value.isEmpty { table.add([name, value]) }
        }
        add("outcome", record.outcome + (record.status > 0 ? ", status \(record.status)" : ""))
        add(
            "error",
            [record.errorKind, record.errorMessage].filter { !$0.isEmpty }
                .joined(separator: ": "))
        add("vendor", record.vendor)
        add("chain", record.chain)
        add(
            "model",
            record.answeringModel.isEmpty || record.answeringModel == record.model
                ? record.model : "\(record.model), answered by \(record.answeringModel)")
        for (index, attempt) in record.attempts.enumerated() where !attempt.translation.isEmpty {
            add("translated", "attempt \(index + 1): \(Printable.text(attempt.translation))")
        }
        add("key", record.key)
        add("client", record.client)
        add("finish reason", record.finishReason)
        add("tokens", tokens(record))
        if record.costNanodollars != nil {
            add(
                "cost",
                "\(Figure.money(nanodollars: record.costNanodollars)) "
                    + (record.priceVersion == Record.statedByVendor
                        ? "as the vendor says" : "by prices of \(record.priceVersion)"))
        }
        add(
            "bytes",
            "\(Figure.bytes(record.requestBytes)) up, "
                + "\(Figure.bytes(record.responseBytes)) down")
        if record.droppedFrames > 0 {
            add(
                "not kept",
                "\(record.droppedFrames) pieces that found no room in the journal, or were "
                    + "damaged in it")
        }
        for fault in stored.faults { add("not readable", fault.description) }
        lines += table.text(width: Terminal.columns, wrapsLast: true).split(separator: "\n").map(
            String.init)
        lines += ["", timeline(record)]
        lines += body("request", record.requestFields, record.requestBody)
        lines += body("response", record.responseFields, record.responseBody)
        return lines.joined(separator: "\n") + "\n"
    }

    private static func tokens(_ record: Record) -> String {
        guard record.usageState == .reported else { return "not known" }
        let usage = record.usage
        var parts = ["\(usage.input ?? 0) in", "\(usage.output ?? 0) out"]
        for (name, value) in [
            ("read from cache", usage.cacheRead), ("written to cache", usage.cacheWrite),
            ("written to cache for long", usage.cacheWriteLong), ("reasoning", usage.reasoning),
            ("image in", usage.imageInput), ("image out", usage.imageOutput),
            ("audio in", usage.audioInput), ("audio out", usage.audioOutput),
        ] {
            if let value, value > 0 { parts.append("\(value) \(name)") }
        }
        if record.serviceTier != .standard {
            parts.append("service tier \(record.serviceTier.rawValue)")
        }
        if !record.isBilled { parts.append("not billed: no model worked") }
        return parts.joined(separator: ", ")
    }

    /// The attempts, and the phases of the one that answered, as bars on one scale.
    private static func timeline(_ record: Record) -> String {
        // What happened stands beside it, and goes on below where it is long.
        let width = max(16, min(56, Terminal.columns - 58))
        let end = max(record.endMicroseconds, 1)
        var table = TextTable([("", .left), ("", .left), ("", .right), ("", .left)])
        func bar(_ name: String, _ from: Int, _ to: Int, _ what: String) {
            let start = min(from * width / end, width - 1)
            let length = max(1, min(to, end) * width / end - start)
            let space = String(repeating: " ", count: width - min(width, start + length))
            table.add([
                name,
                "│" + String(repeating: " ", count: start)
                    + String(repeating: "█", count: length) + space + "│",
                Figure.time(max(0, to - from)), what,
            ])
        }
        if record.requestMicroseconds > 0 {
            bar("request", 0, record.requestMicroseconds, "until it was whole")
        }
        for (index, attempt) in record.attempts.enumerated() {
            let number = "attempt \(index + 1)"
            let model = attempt.model.isEmpty ? "" : " as \(attempt.model)"
            let vendor = attempt.vendor + model + (attempt.isFresh ? ", fresh connection" : "")
            if let failed = attempt.failedMicroseconds {
                let status = attempt.status > 0 ? " \(attempt.status)" : ""
                let sent = attempt.wasSent && attempt.status == 0 ? ", may have been acted on" : ""
                bar(
                    number, attempt.beganMicroseconds, failed,
                    "\(vendor): \(attempt.failure)\(status), \(attempt.reason)\(sent)")
            } else {
                let last = index + 1 == record.answered ? attempt.headMicroseconds ?? end : end
                bar(number, attempt.beganMicroseconds, last, "\(vendor), until the head")
            }
        }
        if let head = record.headMicroseconds, let content = record.contentMicroseconds {
            bar("first content", head, content, "")
            if let last = record.lastByteMicroseconds { bar("response", content, last, "") }
        }
        if let last = record.lastByteMicroseconds, record.endMicroseconds > last {
            bar("to the client", last, record.endMicroseconds, "")
        }
        return table.text(width: Terminal.columns, wrapsLast: true)
    }

    private static func body(_ name: String, _ fields: String, _ body: Record.Body) -> [String] {
        var lines = ["── \(name)"]
        lines += fields.split(whereSeparator: \.isNewline).map { Printable.text(String($0)) }
        guard body.totalBytes > 0 else { return lines + [""] }
        lines.append("")
        let decoded = DecodedBody(body, fields: fields)
        let bytes = decoded?.bytes ?? body.bytes
        let isCut = body.isCut || decoded?.fault.isEmpty == false
        if let text = String(
            validating: isCut ? bytes.withoutBrokenEnd : bytes[...], as: UTF8.self)
        {
            // What was sent must not move an operator's terminal.
            lines += text.replacingScalars("\r\n", with: "\n")
                .split(separator: "\n", omittingEmptySubsequences: false)
                .map { Printable.text(String($0).replacingScalars("\t", with: "    ")) }
        } else {
            lines.append("(\(bytes.count) bytes that are no text; see --raw)")
        }
        if let decoded {
            let coding = Printable.text(decoded.coding)
            lines.append(
                decoded.fault.isEmpty
                    ? "(decoded from \(coding); --raw writes it as it was sent)"
                    : "(\(coding): \(decoded.fault); \(bytes.count) bytes could be decoded)")
        }
        if body.isCut {
            lines.append("(cut: \(body.bytes.count) of \(body.totalBytes) bytes were kept)")
        }
        return lines + [""]
    }
}

extension [UInt8] {
    /// The bytes without the beginning of a character whose end is missing.
    fileprivate var withoutBrokenEnd: ArraySlice<UInt8> {
        let lead = suffix(3).lastIndex { $0 & 0xC0 != 0x80 }
        guard let lead, self[lead] >= 0xC0 else { return self[...] }
        let length = self[lead] >= 0xF0 ? 4 : self[lead] >= 0xE0 ? 3 : 2
        return lead + length > count ? self[..<lead] : self[...]
    }
}
