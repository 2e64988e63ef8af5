public import Primitives

/// A credential that its vendor refused, as gateways share it.
public struct SharedCooldown: Equatable, Sendable {
    /// What names the vendor and the credential without showing it.
    public var name: String
    /// For how long from now it is passed over.
    public var rest: Interval

    /// A cooldown of these parts.
    public init(name: String, rest: Interval) {
        self.name = name
        self.rest = rest
    }
}

/// What a gateway knows of credentials that cool down at the others, and what it has yet to say.
struct CooldownExchange {
    /// How often changes are looked for.
    private static let interval = Interval.milliseconds(200)
    private static let hash = "weir:{cooldowns}"
    private static let lastChange = "weir:{cooldowns}:changed"
    /// A longer one is none: of a vendor's credentials no gateway says so much.
    private static let longest = 86_400_000

    // When one ends is kept by the server's clock.
    private static let sayScript = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local till = now + tonumber(ARGV[2])
        local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '') or 0
        if known >= till then return string.format('%.0f', known) end
        redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', till))
        redis.call('PEXPIRE', KEYS[1], 90000000)
        redis.call('SET', KEYS[2], time[1] .. string.format('%06d', time[2]), 'PX', 90000000)
        return string.format('%.0f', till)
        """
    private static let readScript = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local raw = redis.call('HGETALL', KEYS[1])
        local found = {}
        for i = 1, #raw, 2 do
          local till = tonumber(raw[i + 1])
          if till and till > now then
            found[#found + 1] = raw[i]
            found[#found + 1] = raw[i + 1]
            found[#found + 1] = till - now
          else
            redis.call('HDEL', KEYS[1], raw[i])
          end
        end
        return found
        """

    private var own: [SharedCooldown] = []
    private var said: [SharedCooldown] = []
    /// Until when what cools down, as the store last said it.
    private var seen: [String: String] = [:]
    private var change: String?
    private var nextLook = Instant(nanoseconds: 0)

    /// Takes cooldowns that began here.
    mutating func adopt(_ cooldowns: [SharedCooldown]) {
        guard !cooldowns.isEmpty else { return }
        own += cooldowns
        nextLook = Instant(nanoseconds: 0)
    }

    /// A connection was made: what was said may not have arrived.
    mutating func connected() {
        own = said + own
        said = []
        change = nil
    }

    /// The commands that say what is to be said, and look whether there is something to read; none
    /// before it is time.
    mutating func commands(now: Instant) -> [RESPCommand] {
        guard now >= nextLook else { return [] }
        nextLook = now + Self.interval
        said = own
        own = []
        let commands = said.map { cooldown in
            RESPCommand([
                "EVAL", Self.sayScript, "2", Self.hash, Self.lastChange, cooldown.name,
                "\(min(Self.longest, max(0, Int(cooldown.rest.nanoseconds / 1_000_000))))",
            ])
        }
        return commands + [RESPCommand(["GET", Self.lastChange])]
    }

    /// Takes the replies to those; returns a command where there is something to read.
    mutating func take(_ replies: [RESPReply]) -> RESPCommand? {
        for (cooldown, reply) in zip(said, replies) {
            // What began here is no news here.
            if let till = reply.string { seen[cooldown.name] = till }
        }
        said = []
        let last = replies.last?.string
        defer { change = last }
        guard last != nil, last != change else { return nil }
        return RESPCommand(["EVAL", Self.readScript, "1", Self.hash])
    }

    /// Takes what the store keeps; returns what began at other gateways since it was read last.
    mutating func read(_ reply: RESPReply) -> [SharedCooldown] {
        let elements = reply.elements ?? []
        var found: [SharedCooldown] = []
        var kept: [String: String] = [:]
        for index in stride(from: 0, to: elements.count - 2, by: 3) {
            guard let name = elements[index].string, let till = elements[index + 1].string,
                let rest = elements[index + 2].number, 1...Self.longest ~= rest
            else { continue }
            kept[name] = till
            guard seen[name] != till else { continue }
            found.append(SharedCooldown(name: name, rest: .milliseconds(Int64(rest))))
        }
        seen = kept
        return found
    }
}
