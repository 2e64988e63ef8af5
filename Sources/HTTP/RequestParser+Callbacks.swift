import CLLHTTP
import Primitives

// What llhttp reports. Each returns 0 to go on, or HPE_PAUSED to stop right there.
extension RequestParser {
    func methodSpan(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        unsafe head.storage.append(bytes)
        head.methodEnd = head.storage.count
        head.targetEnd = head.methodEnd
        return 0
    }

    func targetSpan(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        unsafe head.storage.append(bytes)
        head.targetEnd = head.storage.count
        guard head.targetEnd - head.methodEnd <= HeadLimits.targetBytesMax else {
            failure = Malformation(414, "the request target is longer than 32 KiB")
            return -1
        }
        return 0
    }

    func nameSpan(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard phase == .head else { return countTrailer(bytes.count) }
        if !isFieldOpen {
            guard head.fields.count < HeadLimits.fieldsMax else {
                failure = Malformation(431, "the request has more than 256 header fields")
                return -1
            }
            field.nameStart = UInt32(head.storage.count)
            isFieldOpen = true
        }
        unsafe head.storage.append(bytes)
        field.nameEnd = UInt32(head.storage.count)
        field.valueStart = field.nameEnd
        field.valueEnd = field.nameEnd
        return 0
    }

    func nameComplete() -> Int32 {
        guard phase == .head else { return 0 }
        field.name = HeaderName(head.name(of: field))
        isInFramingValue = field.name == .contentLength || field.name == .transferEncoding
        return isInFramingValue ? Int32(HPE_PAUSED.rawValue) : 0
    }

    func valueSpan(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard phase == .head else { return countTrailer(bytes.count) }
        unsafe head.storage.append(bytes)
        field.valueEnd = UInt32(head.storage.count)
        return 0
    }

    func valueComplete() -> Int32 {
        guard phase == .head else { return 0 }
        isFieldOpen = false
        isInFramingValue = false
        // llhttp drops the spaces before a value and keeps those after it.
        field.valueEnd = field.valueStart + UInt32(head.value(of: field).withoutTrailingSpace)
        head.fields.append(field)
        return 0
    }

    func headersComplete() -> Int32 {
        head.minorVersion =
            unsafe llhttp.pointee.http_major == 1 ? Int(llhttp.pointee.http_minor) : 9
        phase = .body
        guard !head.isConnect else {
            failure = Malformation(501, "the method CONNECT is not served")
            return -1
        }
        // An offer to change the protocol may be ignored (RFC 9110, 7.8), and is: llhttp would stop
        // behind this request, and leave what follows unparsed.
        unsafe llhttp.pointee.upgrade = 0
        return Int32(HPE_PAUSED.rawValue)
    }

    func chunkHeader() -> Int32 {
        isInSizeLine = false
        let size = Int(clamping: unsafe llhttp.pointee.content_length)
        isLastChunk = size == 0
        let (sum, isTooLarge) = chunkBytes.addingReportingOverflow(size)
        guard !isTooLarge, sum <= bodyBytesMax else {
            failure = Malformation(413, "the request body is larger than \(bodyBytesMax) bytes")
            return -1
        }
        chunkBytes = sum
        return 0
    }

    func chunkComplete() -> Int32 {
        // Behind the last one come trailers.
        guard !isLastChunk else { return 0 }
        isInSizeLine = true
        return Int32(HPE_PAUSED.rawValue)
    }

    func bodySpan(_ bytes: UnsafeRawBufferPointer) -> Int32 {
        if let start = bytes.baseAddress, let base = unsafe UnsafeRawPointer(input.baseAddress) {
            let offset = unsafe start - base
            guardFraming(upTo: offset)
            framingStart = offset + bytes.count
        }
        unsafe body.append(bytes)
        return 0
    }

    func messageComplete() -> Int32 {
        phase = .done
        return Int32(HPE_PAUSED.rawValue)
    }

    private func countTrailer(_ count: Int) -> Int32 {
        trailerBytes += count
        guard trailerBytes <= HeadLimits.trailerBytesMax else {
            failure = Malformation(431, "the trailers are larger than 16 KiB")
            return -1
        }
        return 0
    }
}

extension Span where Element == UInt8 {
    /// Bytes before the spaces and tabs at the end.
    fileprivate var withoutTrailingSpace: Int {
        var length = count
        while length > 0, self[length - 1] == 0x20 || self[length - 1] == 0x09 { length -= 1 }
        return length
    }
}

// The C side: functions, not closures, each finding its parser through llhttp's user data. The
// parser is alive during every call, because it is the one that calls llhttp.

private func withParser(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ body: (RequestParser) -> Int32
) -> Int32 {
    guard let context = unsafe llhttp?.pointee.data else { return -1 }
    return unsafe Unmanaged<RequestParser>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
}

private func onMethod(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ at: UnsafePointer<CChar>?, _ length: Int
) -> Int32 {
    unsafe withParser(llhttp) {
        unsafe $0.methodSpan(UnsafeRawBufferPointer(start: at, count: length))
    }
}

private func onTarget(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ at: UnsafePointer<CChar>?, _ length: Int
) -> Int32 {
    unsafe withParser(llhttp) {
        unsafe $0.targetSpan(UnsafeRawBufferPointer(start: at, count: length))
    }
}

private func onName(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ at: UnsafePointer<CChar>?, _ length: Int
) -> Int32 {
    unsafe withParser(llhttp) {
        unsafe $0.nameSpan(UnsafeRawBufferPointer(start: at, count: length))
    }
}

private func onValue(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ at: UnsafePointer<CChar>?, _ length: Int
) -> Int32 {
    unsafe withParser(llhttp) {
        unsafe $0.valueSpan(UnsafeRawBufferPointer(start: at, count: length))
    }
}

private func onBody(
    _ llhttp: UnsafeMutablePointer<llhttp_t>?, _ at: UnsafePointer<CChar>?, _ length: Int
) -> Int32 {
    unsafe withParser(llhttp) {
        unsafe $0.bodySpan(UnsafeRawBufferPointer(start: at, count: length))
    }
}

private func onNameComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.nameComplete() }
}

private func onTargetComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) {
        $0.head.isTargetComplete = true
        return 0
    }
}

private func onChunkHeader(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.chunkHeader() }
}

private func onChunkComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.chunkComplete() }
}

private func onValueComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.valueComplete() }
}

private func onHeadersComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.headersComplete() }
}

private func onMessageComplete(_ llhttp: UnsafeMutablePointer<llhttp_t>?) -> Int32 {
    unsafe withParser(llhttp) { $0.messageComplete() }
}

/// llhttp's table of callbacks: made once, the same for every parser, never freed.
nonisolated(unsafe) let callbackTable: UnsafeMutablePointer<llhttp_settings_t> = {
    let table = UnsafeMutablePointer<llhttp_settings_t>.allocate(capacity: 1)
    unsafe llhttp_settings_init(table)
    unsafe table.pointee.on_method = onMethod
    unsafe table.pointee.on_url = onTarget
    unsafe table.pointee.on_url_complete = onTargetComplete
    unsafe table.pointee.on_header_field = onName
    unsafe table.pointee.on_header_field_complete = onNameComplete
    unsafe table.pointee.on_header_value = onValue
    unsafe table.pointee.on_header_value_complete = onValueComplete
    unsafe table.pointee.on_headers_complete = onHeadersComplete
    unsafe table.pointee.on_chunk_header = onChunkHeader
    unsafe table.pointee.on_chunk_complete = onChunkComplete
    unsafe table.pointee.on_body = onBody
    unsafe table.pointee.on_message_complete = onMessageComplete
    return unsafe table
}()
