import Primitives

/// Turns an answer and a script into the bytes of a response, step by step, faults included.
struct AnswerPlayer {
    /// What follows a step.
    enum Step {
        /// The next step may be taken as soon as the bytes are out.
        case more
        /// The next step is due after so many milliseconds.
        case wait(Int64)
        /// There is no next step.
        case forever
        /// The response is complete.
        case done
        /// The connection is closed in order once the bytes are out.
        case close
        /// The connection is reset.
        case reset
    }

    private let answer: VendorAnswer
    private let script: VendorScript
    private var event = 0
    private var isHeadSent = false
    private var isEnded = false
    /// Bytes cut off the last event, to be written later.
    private var rest: ArraySlice<UInt8> = []
    private var bodyOffset = 0
    private var hugeHeadLeft = 100 << 20
    var isHeadRequest = false

    /// Content events sent so far.
    private(set) var contentSent = 0

    init(_ answer: VendorAnswer, _ script: VendorScript) {
        self.answer = answer
        self.script = script
    }

    mutating func next(into output: inout ByteBuffer) -> Step {
        if script.hangs { return .forever }
        if !rest.isEmpty { return writeRest(to: &output) }
        if !isHeadSent { return head(into: &output) }
        if isEnded {
            switch script.fault {
            case .closeAfter: return .close
            case .junkAfter:
                output.append("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
                return .close
            default: return .done
            }
        }
        return body(into: &output)
    }

    private mutating func head(into output: inout ByteBuffer) -> Step {
        // A vendor that thinks first answers nothing meanwhile, unless it streams.
        if case .whole = answer.body, script.ttft > 0, event == 0 {
            event = 1
            return .wait(Int64(script.ttft))
        }
        switch script.fault {
        case .noHead: return .close
        case .garbage:
            output.append("SSH-2.0-OpenSSH_9.2\r\n")
            isHeadSent = true
            isEnded = true
            return .close
        case .halfHead:
            output.append("HTTP/1.1 200 OK\r\ncontent-type: application/js")
            return .close
        case .hugeHead:
            return hugeHead(into: &output)
        case .informational:
            output.append("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n")
            output.append("HTTP/1.1 102 Processing\r\n\r\n")
        default: break
        }
        event = 0
        isHeadSent = true
        writeHead(to: &output)
        if isHeadRequest { isEnded = true }
        return .more
    }

    private func writeHead(to output: inout ByteBuffer) {
        output.append(text: "HTTP/1.1 \(answer.status) \(Self.reason(answer.status))\r\n")
        output.append(text: "Content-Type: \(answer.contentType)\r\n")
        for (name, value) in answer.fields { output.append(text: "\(name): \(value)\r\n") }
        switch answer.body {
        case .whole(let bytes):
            let extra = script.fault == .shortLength ? 100 : 0
            output.append(text: "Content-Length: \(bytes.count + extra)\r\n")
            if script.fault == .doubleLength { output.append("Content-Length: 1\r\n") }
        case .stream:
            output.append("Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n")
        }
        output.append("\r\n")
    }

    private mutating func hugeHead(into output: inout ByteBuffer) -> Step {
        if hugeHeadLeft == 100 << 20 { output.append("HTTP/1.1 200 OK\r\n") }
        guard hugeHeadLeft > 0 else { return .close }
        for _ in 0..<64 {
            output.append("x-filling: ")
            output.append(text: String(repeating: "f", count: 1000))
            output.append("\r\n")
            hugeHeadLeft -= 1013
        }
        return .more
    }

    private mutating func body(into output: inout ByteBuffer) -> Step {
        switch answer.body {
        case .whole(let bytes):
            isEnded = true
            if script.fault == .reset || script.fault == .earlyClose || script.abortAfter != nil {
                output.append(text: String(decoding: bytes.prefix(bytes.count / 2), as: UTF8.self))
                return script.fault == .earlyClose ? .close : .reset
            }
            if script.fault == .shortLength {
                write(bytes, to: &output)
                return .close
            }
            return cutOrWrite(bytes, to: &output)
        case .stream(let content, let make):
            return streamEvent(content, make, into: &output)
        }
    }

    private var hasWaited = false

    private mutating func streamEvent(
        _ content: Range<Int>, _ make: (Int) -> String?, into output: inout ByteBuffer
    ) -> Step {
        let isContent = content.contains(event)
        if isContent, !hasWaited {
            let pause = event == content.lowerBound ? script.ttft : script.delay
            if pause > 0 {
                hasWaited = true
                return .wait(Int64(pause))
            }
        }
        hasWaited = false
        if isContent, let limit = script.abortAfter, contentSent >= limit { return .reset }
        if isContent, contentSent * 2 >= content.count {
            if script.fault == .reset { return .reset }
            if script.fault == .earlyClose { return .close }
            if script.fault == .badChunk {
                output.append("zz\r\nnot a chunk\r\n")
                return .close
            }
        }
        guard let text = make(event) else {
            isEnded = true
            output.append(
                script.fault == .informational ? "0\r\nx-trailer: 1\r\n\r\n" : "0\r\n\r\n")
            return .more
        }
        event += 1
        if isContent { contentSent += 1 }
        var chunk: [UInt8] = Array("\(String(text.utf8.count, radix: 16))\r\n".utf8)
        chunk += Array(text.utf8)
        chunk += [0x0D, 0x0A]
        return cutOrWrite(chunk, to: &output)
    }

    private mutating func cutOrWrite(_ bytes: [UInt8], to output: inout ByteBuffer) -> Step {
        guard script.cut != nil || script.cutAt != nil else {
            write(bytes, to: &output)
            return .more
        }
        rest = bytes[...]
        return writeRest(to: &output)
    }

    /// Writes the next piece of a cut event, and waits so that it travels alone.
    private mutating func writeRest(to output: inout ByteBuffer) -> Step {
        var length = script.cut ?? rest.count
        if let cut = script.cutAt {
            length = bodyOffset < cut ? min(rest.count, cut - bodyOffset) : rest.count
        }
        write(Array(rest.prefix(length)), to: &output)
        bodyOffset += min(length, rest.count)
        rest = rest.dropFirst(length)
        return rest.isEmpty && script.cut == nil ? .more : .wait(1)
    }

    private func write(_ bytes: [UInt8], to output: inout ByteBuffer) {
        output.append(bytes.span)
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 404: "Not Found"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Scripted"
        }
    }
}
