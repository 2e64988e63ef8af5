/// The names of tools and calls as a target's dialect takes them.
///
/// The same names become the same names in every turn, so that a vendor's cache of the prompt
/// stays good and nothing must be remembered. A name that is taken as it is stays.
struct TargetNames: Sendable {
    private var tools: [ToolName: String] = [:]
    private var calls: [String: String] = [:]

    /// The names that a conversation needs in a form.
    init(
        _ conversation: Conversation, for form: Form, callNameLength: Int? = nil
    ) throws(Refusal) {
        var ids: [String] = []
        var names: [(name: ToolName, path: String)] = []
        for tool in conversation.tools where !tool.isBuiltin {
            names.append((tool.fullName, tool.path))
        }
        for turn in conversation.turns {
            for part in turn.parts {
                if let call = part.call {
                    ids.append(call.id)
                    names.append((ToolName(name: call.name, namespace: call.namespace), part.path))
                } else if let result = part.result {
                    ids.append(result.id)
                }
            }
        }
        if let callNameLength {
            mapCalls(ids, length: callNameLength)
        } else {
            mapCalls(ids, form)
        }
        try mapTools(names, form)
    }

    /// A tool's name at the target.
    func tool(_ name: ToolName) -> String {
        tools[name] ?? Self.flat(name)
    }

    /// A call's name for itself at the target.
    func call(_ id: String) -> String {
        calls[id] ?? id
    }

    private mutating func mapCalls(_ ids: [String], _ form: Form) {
        var taken = Set(ids.filter { Self.isCallName($0, form) })
        for id in ids where !Self.isCallName(id, form) && calls[id] == nil {
            var name = Self.callName(id, form)
            // Two that differ in what was replaced must not become one.
            if !taken.insert(name).inserted {
                name = "\(name)_\(Self.digest(id))"
                taken.insert(name)
            }
            calls[id] = name
        }
    }

    /// Names for a model that takes so many letters and digits alone.
    private mutating func mapCalls(_ ids: [String], length: Int) {
        let isFit = { (id: String) in
            id.utf8.count == length
                && id.utf8.allSatisfy { Self.isWord($0) && $0 != 0x5F && $0 != 0x2D }
        }
        var taken = Set(ids.filter(isFit))
        for id in ids where !isFit(id) && calls[id] == nil {
            var name = id
            repeat {
                name = String((Self.digest(name) + Self.digest("\(name).")).prefix(length))
            } while !taken.insert(name).inserted
            calls[id] = name
        }
    }

    private mutating func mapTools(
        _ names: [(name: ToolName, path: String)], _ form: Form
    ) throws(Refusal) {
        var taken: [String: ToolName] = [:]
        // A name that is taken as it is stays, and no other one becomes it.
        let fit = Set(
            names.lazy.map { Self.flat($0.name) }.filter { Self.toolName($0, form) == $0 })
        for entry in names where tools[entry.name] == nil {
            let flat = Self.flat(entry.name)
            var name = Self.toolName(flat, form)
            // Two that differ in what was replaced must not become one.
            if name != flat, fit.contains(name) || taken[name] != nil {
                let longest = form == .chat || form == .responses ? 64 : 128
                name = "\(name.prefix(longest - 9))_\(Self.digest(flat).prefix(8))"
            }
            if let other = taken[name], other != entry.name {
                throw Refusal(entry.path, "two tools have the name \(name) at the target")
            }
            taken[name] = entry.name
            tools[entry.name] = name
        }
    }

    /// A name with its group's before it; one group means none.
    private static func flat(_ name: ToolName) -> String {
        guard let group = name.namespace, !group.isEmpty, group != "functions" else {
            return name.name
        }
        return "\(group)__\(name.name)"
    }

    // MARK: The dialects' rules

    private static func isCallName(_ id: String, _ form: Form) -> Bool {
        switch form {
        case .messages: !id.isEmpty && id.utf8.allSatisfy(isWord)
        case .chat, .responses: !id.isEmpty && id.utf8.count <= 64
        case .gemini: !id.isEmpty
        }
    }

    private static func callName(_ id: String, _ form: Form) -> String {
        switch form {
        case .messages where !id.isEmpty: replaced(id, where: isWord)
        default: "call_\(digest(id))"
        }
    }

    static func toolName(_ name: String, _ form: Form) -> String {
        let isFit = { (byte: UInt8) in
            form == .gemini ? isWord(byte) || byte == 0x2E || byte == 0x3A : isWord(byte)
        }
        let longest = form == .chat || form == .responses ? 64 : 128
        var fit = name.utf8.allSatisfy(isFit) ? name : replaced(name, where: isFit)
        if form == .gemini, let first = fit.utf8.first, first == 0x2D || 0x30...0x3A ~= first {
            fit = "_\(fit)"
        }
        guard fit != name || fit.utf8.count > longest else { return fit }
        // What was cut or replaced gets a name of its own.
        guard fit.utf8.count > longest - 9 else { return fit }
        return "\(fit.prefix(longest - 9))_\(digest(name).prefix(8))"
    }

    private static func replaced(_ text: String, where isFit: (UInt8) -> Bool) -> String {
        String(
            decoding: text.utf8.map { isFit($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        0x61...0x7A ~= byte || 0x41...0x5A ~= byte || 0x30...0x39 ~= byte || byte == 0x5F
            || byte == 0x2D
    }

    /// Sixteen letters that stand for a text: FNV-1a, which every build computes alike.
    static func digest(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 {
            hash ^= UInt64(byte)
            hash = hash &* 0x100_0000_01B3
        }
        let letters = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - letters.count) + letters
    }
}

extension Tool {
    var isBuiltin: Bool {
        if case .builtin = kind { true } else { false }
    }

    var isCustom: Bool {
        if case .custom = kind { true } else { false }
    }
}
