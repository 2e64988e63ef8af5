import JSON
import Primitives

extension UsageFields {
    // What a vendor sends may be anything. No call takes a trillion tokens, no vendor names them by
    // a hundred letters or in a hundred ways, and sums of what is left cannot overflow.
    static let tokensMax = 1 << 40
    private static let nameBytesMax = 100
    private static let namesMax = 64

    /// Whether a count does not fall while a stream goes on: what has been made was made.
    ///
    /// Counts of a prompt may: the opening of some streams is a guess that a cache corrects.
    private static func isGrowing(_ name: Span<UInt8>) -> Bool {
        var start = name.count
        while start > 0, name[start - 1] != UInt8(ascii: ".") { start -= 1 }
        let last = name.extracting(start..<name.count)
        let growing: InlineArray<11, StaticString> = [
            "completion_tokens", "output_tokens", "reasoning_tokens", "thinking_tokens",
            "candidatesTokenCount", "responseTokenCount", "thoughtsTokenCount", "eval_count",
            "total_output_tokens", "total_thought_tokens", "outputTokens",
        ]
        for index in growing.indices where last.matches(growing[index]) { return true }
        return false
    }

    private mutating func set(_ name: Span<UInt8>, _ number: Int) {
        guard 0...Self.tokensMax ~= number, name.count <= Self.nameBytesMax else { return }
        guard let index = index(of: name) else {
            if count < Self.namesMax { append(name, number) }
            return
        }
        // A zero is how many vendors say nothing in a later event.
        guard number > 0 else { return }
        set(Self.isGrowing(name) ? max(self.number(at: index), number) : number, at: index)
    }

    /// Takes the numbers of an account over those that are there; `model` is the one that answered,
    /// as far as it is known.
    ///
    /// Returns whether that changed anything.
    mutating func merge(
        _ text: borrowing JSONOutline, _ account: UsageAccount, model: String
    ) -> Bool {
        let earlier = self
        mergeStatedCost(text, account)
        var path = ByteBuffer()
        account.each(text) { mergeMember(text, $0, &path) }
        if let prompt = account.prompt {
            path.append("prompt_tokens")
            mergeValue(text, prompt, &path)
        }
        // Billed are all iterations of a call that the vendor's own tools interrupted; the fields
        // beside them are those of the last one alone. Tokens of another model are not this one's.
        if let list = account.member(text, "iterations") { mergeIterations(text, list, model) }
        return self != earlier
    }

    private mutating func mergeIterations(
        _ text: borrowing JSONOutline, _ list: Int, _ model: String
    ) {
        let iterations = Iterations(text, list, model: model)
        guard !iterations.own.isEmpty else { return }
        var sums = UsageFields()
        for iteration in iterations.own { sums.add(text, iteration) }
        sums.each { name, number in set(name, number) }
    }

    /// Takes the numbers of a usage object of one call to one model.
    mutating func mergeOne(_ text: borrowing JSONOutline, _ object: Int) {
        var path = ByteBuffer()
        text.each(object) { mergeMember(text, $0, &path) }
    }

    /// Takes the numbers of a member; `path`: the names of the objects that it is in.
    private mutating func mergeMember(
        _ text: borrowing JSONOutline, _ member: Int, _ path: inout ByteBuffer
    ) {
        let outer = path.count
        if text.isPlainName(member) {
            let name = text.nameBytes(member)
            guard outer + name.count <= Self.nameBytesMax else { return }
            path.append(name)
        } else {
            let name = JSONText.unescape(text.nameBytes(member))
            guard outer + name.utf8.count <= Self.nameBytesMax else { return }
            path.append(text: name)
        }
        mergeValue(text, member, &path)
        path.truncate(to: outer)
    }

    private mutating func mergeValue(
        _ text: borrowing JSONOutline, _ value: Int, _ path: inout ByteBuffer
    ) {
        switch text.kind(value) {
        case .number:
            if let number = text.wholeNumber(value) { set(path.bytes, number) }
        case .object:
            path.append(byte: UInt8(ascii: "."))
            text.each(value) { mergeMember(text, $0, &path) }
        case .array:
            let inner = path.count
            // Gemini's details: a list of a modality and its count.
            text.each(value) { element in
                let tokens = text.member(element, "tokenCount") ?? text.member(element, "tokens")
                guard let modality = text.string(text.member(element, "modality")),
                    let count = text.wholeNumber(tokens)
                else { return }
                path.append(byte: UInt8(ascii: "."))
                path.append(text: modality.uppercased())
                set(path.bytes, count)
                path.truncate(to: inner)
            }
        default:
            break
        }
    }

    private mutating func add(_ text: borrowing JSONOutline, _ object: Int) {
        var other = UsageFields()
        other.mergeOne(text, object)
        other.each { name, number in
            set(name, (index(of: name).map { self.number(at: $0) } ?? 0) + number)
        }
    }

    // MARK: What a vendor says a call cost

    private static let dollarsMax = 1e6

    private mutating func mergeStatedCost(_ text: borrowing JSONOutline, _ usage: UsageAccount) {
        guard let nanodollars = Self.statedCost(text, usage) else { return }
        if nanodollars > 0 || statedNanodollars == nil { statedNanodollars = nanodollars }
    }

    private static func statedCost(_ text: borrowing JSONOutline, _ usage: UsageAccount) -> Int? {
        // xAI counts ten billionths of a dollar.
        if let ticks = text.double(usage.member(text, "cost_in_usd_ticks")) {
            return nanodollars(ticks / 1e10)
        }
        guard let cost = usage.member(text, "cost") ?? usage.member(text, "estimated_cost") else {
            return nil
        }
        let currency = usage.member(text, "currency") ?? text.member(cost, "currency")
        guard text.withText(currency, { $0.matchesIgnoringCase("usd") }) ?? true else {
            return nil
        }
        // Perplexity's is an object of parts and their total.
        guard var dollars = text.double(cost) ?? text.double(text.member(cost, "total_cost"))
        else { return nil }
        if text.isTrue(usage.member(text, "is_byok")) {
            // OpenRouter's own part alone: the other is on the key's bill.
            let details = usage.member(text, "cost_details")
            dollars += text.double(text.member(details, "upstream_inference_cost")) ?? 0
        }
        return nanodollars(dollars)
    }

    private static func nanodollars(_ dollars: Double) -> Int? {
        guard 0...dollarsMax ~= dollars else { return nil }
        return Int(exactly: (dollars * 1e9).rounded())
    }
}

extension JSONOutline {
    /// The number, of a whole one alone, however it is spelled.
    fileprivate func wholeNumber(_ value: Int?) -> Int? {
        integer(value) ?? double(value).flatMap(Int.init(exactly:))
    }
}
