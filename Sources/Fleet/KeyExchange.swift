import Primitives

/// What a gateway knows of the keys that all of them share, and what it has yet to say.
///
/// A gateway says which of its keys changed; the store keeps them, and when the last one did; the
/// others look at that, five times a second.
struct KeyExchange {
    /// How often changes are looked for: a revoked key is refused everywhere within a second.
    static let interval = Interval.milliseconds(200)

    private static let hash = "weir:{keys}"
    private static let lastChange = "weir:{keys}:changed"

    // A revoked key stays revoked, and a later key of the same name stays. What a gateway says when
    // it connects, and not because it was changed there just now, replaces only what the store
    // lacks.
    private static let script = """
        local name, created, revoked, text, isNews =
          ARGV[1], tonumber(ARGV[2]), ARGV[3] ~= '0', ARGV[4], ARGV[5] == '1'
        local known = redis.call('HGET', KEYS[1], name)
        if known == text then return 0 end
        if known then
          local a, b = known:match('^(%d+) (%d+) ')
          local since, wasRevoked = tonumber(a), b ~= '0'
          if since and since > created then return 0 end
          if since == created then
            if wasRevoked and not revoked then return 0 end
            if not isNews and wasRevoked == revoked then return 0 end
          end
        end
        local time = redis.call('TIME')
        redis.call('HSET', KEYS[1], name, text)
        redis.call('SET', KEYS[2], time[1] .. string.format('%06d', time[2]))
        return 1
        """

    /// The keys of this gateway, as it last said.
    private var own: [String: SharedKey] = [:]
    /// Whether this gateway has said which keys it has.
    private var isWritten = false
    /// Keys that were changed here and are not said yet.
    private var news: Set<String> = []
    /// What the store kept, as it was last read.
    private var seen: [String: String] = [:]
    private var change: String?
    private var nextLook = Instant(nanoseconds: 0)
    /// Whether all keys are to be said: the store may have lost them, or never had them.
    private var isNew = true

    /// Takes the keys of this gateway; those that differ from before were changed here.
    mutating func adopt(_ keys: [SharedKey]) {
        for key in keys where own[key.name] != key {
            // What came from the store is no news to it, nor what was here before this process.
            if isWritten, seen[key.name] != key.text { news.insert(key.name) }
            own[key.name] = key
        }
        if !isWritten { isNew = true }
        isWritten = true
        nextLook = Instant(nanoseconds: 0)
    }

    /// A connection was made: nothing that was known of the store holds.
    mutating func connected() {
        isNew = true
        change = nil
        nextLook = Instant(nanoseconds: 0)
    }

    /// The commands that say what is to be said, and look whether there is something to read; none
    /// before it is time.
    mutating func commands(now: Instant) -> [RESPCommand] {
        guard now >= nextLook else { return [] }
        nextLook = now + Self.interval
        let names = (isNew ? Set(own.keys) : []).union(news)
        let said = names.sorted().compactMap { own[$0] }.map { key in
            RESPCommand([
                "EVAL", Self.script, "2", Self.hash, Self.lastChange, key.name, "\(key.created)",
                "\(key.revoked ?? 0)", key.text, news.contains(key.name) ? "1" : "0",
            ])
        }
        return said + [RESPCommand(["GET", Self.lastChange])]
    }

    /// Takes the replies to those; returns a command where there is something to read.
    mutating func take(_ replies: [RESPReply]) -> RESPCommand? {
        guard let last = replies.last?.string else {
            // The store has lost its keys, or there never were any.
            isNew = change != nil
            change = nil
            news = []
            return nil
        }
        isNew = false
        news = []
        defer { change = last }
        return last == change ? nil : RESPCommand(["HGETALL", Self.hash])
    }

    /// Takes what the store keeps; returns the keys that are not as they were read last.
    mutating func read(_ reply: RESPReply) -> [SharedKey] {
        let elements = reply.elements ?? []
        var found: [SharedKey] = []
        var kept: [String: String] = [:]
        for index in stride(from: 0, to: elements.count - 1, by: 2) {
            guard let name = elements[index].string, let text = elements[index + 1].string else {
                continue
            }
            kept[name] = text
            guard seen[name] != text, let key = SharedKey(name: name, text: text) else { continue }
            found.append(key)
        }
        seen = kept
        return found
    }
}
