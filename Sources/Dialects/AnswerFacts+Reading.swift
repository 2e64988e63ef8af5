import HTTP
import JSON
import Primitives

extension AnswerFacts {
    /// Takes over what an event of a stream says.
    mutating func read(
        _ event: borrowing ServerSentEvent, _ dialect: Dialect, at time: Instant,
        in outline: inout JSONOutline
    ) {
        let data = event.data.bytes
        if firstContent == nil, dialect.kind(of: event) == .content { firstContent = time }
        // The first ones name the model, whatever else they say.
        eventCount += 1
        let mayName = model.isEmpty && eventCount <= Self.namingEventsMax
        let saysSomething = dialect.saysSomethingToKeep(data)
        // Of several choices one had ended, and another goes on.
        if sawTerminal, !saysSomething, dialect.kind(of: event) == .content { sawTerminal = false }
        guard mayName || saysSomething else { return }
        if data.matches("[DONE]") {
            sawTerminal = true
            isUsageFinal = usageCount > 0
            return
        }
        readValue(data, dialect, in: &outline)
    }

    /// Takes over what a JSON text says that is an answer, or a part of one.
    mutating func readValue(
        _ text: Span<UInt8>, _ dialect: Dialect, in outline: inout JSONOutline
    ) {
        let templates = isFirstUsage ? usageTemplates : nil
        if dialect.outline(text, in: &outline, templates) { read(outline, dialect) }
    }

    /// Takes over what an answer, or a part of one, says.
    mutating func read(_ text: borrowing JSONOutline, _ dialect: Dialect) {
        let earlier = (usages: usageCount, ended: sawTerminal)
        switch dialect {
        case .openai: readOpenAI(text)
        case .anthropic: readAnthropic(text)
        case .gemini: readGemini(text)
        }
        // An account that comes with the end or behind it is final. So is the account of an opening
        // and its correction, where the end states nothing new.
        if sawTerminal, usageCount > earlier.usages || dialect == .anthropic {
            isUsageFinal = usageCount > 0
        }
    }

    /// Takes over the name of a model; `isEmptyName`: one without letters counts, too.
    mutating func readModel(_ text: borrowing JSONOutline, _ name: Int?, isEmptyName: Bool) {
        // Events repeat it, and it need not be made anew.
        let isKnown = text.withText(name) {
            $0.equals(model.utf8.span) || $0.count == 0 && !isEmptyName
        }
        guard isKnown == false else { return }
        model = text.string(name) ?? model
    }

    /// Takes over a usage object.
    mutating func readUsage(
        _ text: borrowing JSONOutline, _ usage: Int?, keepsEarlier: Bool = false,
        totalIsPrompt: Bool = false
    ) {
        guard let usage, text.isKind(.object, usage), !text.isEmpty(usage) else { return }
        if text.isKnown(usage) {
            return readKnown(
                text.bytes(usage), keepsEarlier: keepsEarlier, totalIsPrompt: totalIsPrompt)
        }
        var account = UsageAccount(usage)
        if totalIsPrompt { account.takeTotalForPrompt(text) }
        readAccount(text, account, keepsEarlier: keepsEarlier)
    }

    /// Takes over a usage object that is like an earlier one.
    private mutating func readKnown(
        _ object: Span<UInt8>, keepsEarlier: Bool, totalIsPrompt: Bool
    ) {
        if isFirstUsage, !keepsEarlier, let kept = usageTemplates.read(object, into: &usageFields) {
            usageCount += 1
            isUsageFinal = false
            firstUsageText = kept
            usageText = kept
            return
        }
        // It came behind another one after all. Nothing of its like was left out.
        var text = JSONOutline()
        guard text.read(object) else { return }
        readUsage(
            text, JSONOutline.root, keepsEarlier: keepsEarlier, totalIsPrompt: totalIsPrompt)
    }

    /// Whether no account of the answer was read: it may be like that of an earlier answer.
    var isFirstUsage: Bool { usageFields.isEmpty && usageFields.statedNanodollars == nil }

    /// Takes over an account that some members of an object are.
    mutating func readUsage(
        _ text: borrowing JSONOutline, _ object: Int?, _ names: InlineArray<3, StaticString?>
    ) {
        guard let account = UsageAccount(text, object, names) else { return }
        readAccount(text, account, keepsEarlier: false)
    }

    private mutating func readAccount(
        _ text: borrowing JSONOutline, _ account: UsageAccount, keepsEarlier: Bool
    ) {
        usageCount += 1
        isUsageFinal = false
        let isFirst = isFirstUsage
        if isFirst, !keepsEarlier, let object = account.wholeObject,
            let kept = usageTemplates.read(text.bytes(object), into: &usageFields)
        {
            readTier(text, account)
            firstUsageText = kept
            return usageText = kept
        }
        let isNew = usageFields.merge(text, account, model: model)
        readTier(text, account)
        // An account of zeros behind another one: its text would deny the numbers.
        if !isNew, !usageText.isEmpty { return }
        var buffer = ByteBuffer()
        account.write(text, to: &buffer)
        guard buffer.count <= AnswerFacts.usageBytesMax else {
            // What cannot be kept cannot be priced by its parts.
            if account.member(text, "iterations") != nil { isUnderstood = false }
            return
        }
        let kept = buffer.bytes.text
        if isFirst, let object = account.objectOfNumbers(text),
            let template = UsageTemplate(
                text.bytes(object), usageFields, kept: buffer.bytes, isAll: account.isAll(text))
        {
            usageTemplates.add(template)
        }
        // An account's opening and its latest correction: what lies between was only on the way.
        guard keepsEarlier else {
            firstUsageText = kept
            return usageText = kept
        }
        usageText = firstUsageText.isEmpty ? kept : "[\(firstUsageText),\(kept)]"
    }

    private mutating func readTier(_ text: borrowing JSONOutline, _ account: UsageAccount) {
        readTier(text, account.member(text, "service_tier"))
        if text.isText(account.member(text, "speed"), "fast") { serviceTier = .fast }
    }

    /// Takes over a tier of service.
    mutating func readTier(_ text: borrowing JSONOutline, _ word: Int?) {
        if let tier = text.withText(word, { ServiceTier(word: $0) }) ?? nil { serviceTier = tier }
    }

    mutating func readError(_ text: borrowing JSONOutline, _ error: Int?) {
        switch text.kind(error) {
        case .string:
            errorMessage = text.string(error) ?? ""
            errorKind = "error"
        case .object:
            let code = text.member(error, "code")
            errorKind =
                text.string(text.member(error, "type")) ?? text.string(text.member(error, "status"))
                ?? text.string(code) ?? text.integer(code).map { "\($0)" } ?? "error"
            errorMessage = text.string(text.member(error, "message")) ?? ""
        default:
            break
        }
    }
}
