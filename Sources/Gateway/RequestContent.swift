import Codings
import Dialects
import HTTP
import Primitives

/// What a request's body says, whatever coding hides it.
struct RequestContent {
    /// The model that it names.
    let model: RequestModel
    /// Whether a content coding hides the body.
    let isEncoded: Bool

    /// Reads a body that is here from its first byte.
    ///
    /// `isWhole`: nothing of it is still to come.
    init(_ head: borrowing RequestHead, _ body: Span<UInt8>, isWhole: Bool) {
        // Some clients send the field with every request, those without a body included.
        isEncoded = head.isEncoded && !(isWhole && body.count == 0)
        let model: RequestModel
        if isEncoded {
            var plain = ByteBuffer()
            let fault = Self.decode(head, body, isWhole: isWhole, to: &plain)
            model =
                fault.map { .unreadable($0) }
                ?? RequestModel(plain.bytes, contentType: head.value(of: .contentType))
        } else {
            model = RequestModel(body, contentType: head.value(of: .contentType))
        }
        let isMissing = !isWhole && model.finding == .none && model.mayNameModel
        self.model =
            isMissing
            ? .unreadable(
                BodyFault(.size, "it does not stand in the first \(body.count) bytes of the body"))
            : model
    }

    /// Appends a body without its content codings.
    ///
    /// Returns why it cannot be read; nil where it can.
    static func decode(
        _ head: borrowing RequestHead, _ body: Span<UInt8>, isWhole: Bool,
        to output: inout ByteBuffer
    ) -> BodyFault? {
        let codings = head.list(of: .contentEncoding)
        guard let decoder = ContentDecoder(codings.span) else {
            return BodyFault(
                .coding, "its content coding is not undone here, or is one of too many")
        }
        let isReadable = decoder.decode(body) { output.append($0) }
        guard isReadable else {
            guard decoder.isBeyondBound else { return "its content coding is broken" }
            return BodyFault(
                .size,
                "its content coding hides more than \(ContentDecoder.outputBytesMax >> 20) MiB, or "
                    + "more than \(ContentDecoder.ratioMax) times its length")
        }
        return isWhole && !decoder.isAtEnd ? "its content coding breaks off" : nil
    }

    /// Appends a body with another model in it, and without a content coding.
    ///
    /// Returns false where that cannot be done; the appended bytes are then of no use.
    func write(
        _ head: borrowing RequestHead, _ body: Span<UInt8>, model name: String,
        to output: inout ByteBuffer
    ) -> Bool {
        guard isEncoded else { return model.write(body, with: name, to: &output) }
        var plain = ByteBuffer()
        guard Self.decode(head, body, isWhole: true, to: &plain) == nil else { return false }
        return model.write(plain.bytes, with: name, to: &output)
    }
}
