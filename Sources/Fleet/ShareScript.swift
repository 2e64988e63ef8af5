import Access
import Primitives

/// The one script by which shares of a limit are given out: it runs in the server as a whole, and
/// uses the server's clock.
///
/// A limit is a hash. Each replica has a field in it: its share, what it has used and holds, when
/// it last said so, which life of the replica said so, the number of its question, and its reach:
/// what it may use and hold until it is answered again. One more field, `!`, has the limit's own
/// times: when it was last asked about, until when no new shares are given out, and when which
/// replica lacked something. A field `=` has what is remembered of replicas that a store which has
/// lost everything does not know: what all together had, what of it is stated by those that came
/// back, and until when it matters.
enum ShareScript {
    /// For how long a replica that is silent keeps its share, in milliseconds.
    static let lease = 5000
    /// How often a replica asks at least: a limit that no replica asked about for half a lease was
    /// out of all replicas' reach, and that time counts against none of them.
    static let turn = 1250

    /// The words of a question.
    static func arguments(
        _ question: ShareQuestion, replica: Replica, number: Int, lease: Int = lease
    ) -> [String] {
        [
            replica.name, replica.life, "\(number)", question.isFirst ? "1" : "0",
            question.kind.rawValue, "\(exact(question.limit))", "\(exact(question.taken))",
            "\(exact(question.claim))", "\(exact(question.need))", "\(lease)",
            "\(question.keep)", "\(lease / 2)", "\(exact(question.reach.current))",
            "\(exact(question.reach.ahead))", "\(max(1, question.reach.parts))",
            "\(exact(question.memory.share))", "\(exact(question.memory.elsewhere))",
        ]
    }

    /// An amount that Lua keeps exactly: nine million dollars.
    private static func exact(_ amount: Int) -> Int { min(max(0, amount), 1 << 53 - 1) }

    /// Why the server's answer to a question is none.
    enum Refusal: Error, Equatable {
        /// A later question has been answered already.
        case stale
        /// Another process that is alive says that it is this replica.
        case twin
        /// It is no answer of the script's.
        case malformed
    }

    /// The answer to a question.
    static func answer(_ reply: RESPReply) throws(Refusal) -> ShareAnswer {
        guard let elements = reply.elements, let word = elements.first?.string else {
            throw .malformed
        }
        if word == "stale" { throw .stale }
        if word == "twin" { throw .twin }
        let numbers = elements.dropFirst().compactMap(\.number)
        guard word == "share", numbers.count == 7, elements.count == 8,
            let shortage = ShareAnswer.Shortage(rawValue: numbers[5])
        else { throw .malformed }
        return ShareAnswer(
            share: numbers[0], reach: numbers[1], elsewhere: numbers[2],
            grantedElsewhere: numbers[3], replicas: numbers[4], shortage: shortage,
            time: numbers[6])
    }

    /// The key of a question's limit: what stands in braces decides where a cluster keeps it.
    static func key(of question: ShareQuestion) -> String {
        let scope =
            switch question.scope {
            case .key(let name): "key/\(escaped(name))"
            case .group(let name): "group/\(escaped(name))"
            case .each(let group, let key): "each/\(escaped(group))/\(escaped(key))"
            }
        let axis = "\(question.axis)"
        return question.axis == .budget
            ? "weir:{\(scope)}:\(axis):\(question.period)" : "weir:{\(scope)}:\(axis)"
    }

    /// A name without what has a meaning in keys: braces, slashes, percent signs.
    private static func escaped(_ name: String) -> String {
        name.replacingScalars("%", with: "%25").replacingScalars("/", with: "%2F")
            .replacingScalars("{", with: "%7B").replacingScalars("}", with: "%7D")
    }

    // Numbers are doubles in Lua, exact up to 2^53, and written without an exponent only by
    // string.format. A share is looked at as a whole: what is in the store and is no share (another
    // program's key, a torn value) is taken away, and a key without an end gets one with each
    // write.
    static let text = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local me, life, number, first = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
        local kind, limit, taken = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
        local claim, need, lease = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
        local keep, silence = tonumber(ARGV[11]), tonumber(ARGV[12])
        local current, ahead, parts = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
        local mineThen, othersThen = tonumber(ARGV[16]), tonumber(ARGV[17])
        local kept = redis.call('TYPE', KEYS[1]).ok
        if kept ~= 'hash' and kept ~= 'none' then redis.call('DEL', KEYS[1]) end
        local raw = redis.call('HGETALL', KEYS[1])
        local isNew = #raw == 0
        local at, learning, lacked, lacking, what = now, 0, 0, '', 0
        local mine, others = nil, {}
        local whole, stated, matters = 0, 0, 0
        for i = 1, #raw, 2 do
          if raw[i] == '!' then
            local a, b, c, d, e = raw[i + 1]:match('^(%d+) (%d+) (%d+) (%d) (%S*)$')
            if a then
              at, learning, lacked, what, lacking =
                tonumber(a), tonumber(b), tonumber(c), tonumber(d), e
            end
          elseif raw[i] == '=' then
            local a, b, c = raw[i + 1]:match('^(%d+) (%d+) (%d+)$')
            if a then whole, stated, matters = tonumber(a), tonumber(b), tonumber(c) end
          else
            local a, b, c, d, e, f = raw[i + 1]:match('^(%d+) (%d+) (%d+) (%S+) (%d+) (%d+)$')
            if not a then
              redis.call('HDEL', KEYS[1], raw[i])
            else
              local entry = { name = raw[i], share = tonumber(a), taken = tonumber(b),
                seen = tonumber(c), life = d, number = tonumber(e), reach = tonumber(f) }
              if entry.name == me then mine = entry else others[#others + 1] = entry end
            end
          end
        end
        if mine and mine.life == life and mine.number >= number then return { 'stale' } end
        if mine and mine.life ~= life and not first then return { 'twin' } end
        if learning > now + lease then learning = 0 end
        local gap = now - at
        if gap > silence then
          for _, entry in ipairs(others) do
            if entry.share > entry.taken then learning = now + lease end
            entry.seen = entry.seen + gap
            entry.reach = entry.share
            entry.moved = true
          end
        end
        if isNew and taken + claim > 0 then learning = now + lease end
        local past = 0
        if kind ~= 'c' then
          if matters <= now or matters > now + keep + lease then whole, stated = 0, 0 end
          if learning > now and mineThen + othersThen > whole then
            whole, matters = mineThen + othersThen, now + keep
          end
          if not mine then stated = stated + math.max(mineThen, first and taken or 0) end
          past = math.max(0, math.min(limit, whole) - stated)
          redis.call('HSET', KEYS[1], '=', string.format('%.0f %.0f %.0f', whole, stated, matters))
        end
        local base = taken
        if learning > now then
          base = math.max(taken, claim)
        elseif mine and mine.life == life then
          base = math.max(taken, math.min(claim, mine.share))
        end
        local total, elsewhere, granted, replicas = base + past, past, past, 1
        for _, entry in ipairs(others) do
          if entry.seen + lease >= now then
            replicas = replicas + 1
          elseif kind == 'c' or (kind == 'r' and entry.seen + keep < now) then
            entry.gone = true
          else
            local used = math.max(entry.taken, math.min(entry.share, entry.reach))
            if entry.taken ~= used or entry.share ~= used then
              entry.share, entry.taken, entry.reach, entry.moved = used, used, used, true
            end
          end
          if entry.gone then
            redis.call('HDEL', KEYS[1], entry.name)
          else
            if entry.moved then
              redis.call('HSET', KEYS[1], entry.name, string.format('%.0f %.0f %.0f %s %.0f %.0f',
                entry.share, entry.taken, entry.seen, entry.life, entry.number, entry.reach))
            end
            total = total + math.max(entry.share, entry.taken)
            granted = granted + math.max(entry.share, entry.taken)
            elsewhere = elsewhere + entry.taken
          end
        end
        local isLacked = lacked + 1000 > now and lacking ~= me
        if lacking == me then lacked = 0 end
        local share, left = base, limit - total
        local free = limit - taken - elsewhere
        if learning <= now and free > 0 then
          local even = math.floor(free / replicas)
          local must = math.max(0, taken + need - base)
          local want = math.max(must, isLacked and 0 or taken + even - base)
          if must > left then
            if free >= need and not (isLacked and what == 2) then
              lacked, what, lacking = now, 2, me
            end
          elseif want > 0 and left > 0 then
            share = base + math.min(want, math.max(must, 1, math.floor(left / 2)))
          end
          if share - taken < math.floor(even / 2) and share - base < want and not isLacked
            and lacked < now then
            lacked, what, lacking = now, 1, me
          end
        end
        local reach = share
        if kind ~= 'c' then
          ahead = math.max(ahead, math.ceil((share - taken) / parts))
          reach = math.min(share, math.max(current, taken + ahead))
        end
        redis.call('HSET', KEYS[1], me,
          string.format('%.0f %.0f %.0f %s %.0f %.0f', share, taken, now, life, number, reach),
          '!', string.format('%.0f %.0f %.0f %.0f %s', now, learning, lacked, what, lacking))
        redis.call('PEXPIRE', KEYS[1], keep + lease)
        return { 'share', share, reach, elsewhere, granted, replicas,
          isLacked and what or 0, now }
        """
}
