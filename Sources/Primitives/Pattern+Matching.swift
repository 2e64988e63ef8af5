extension Pattern {
    /// Where the pattern first matches from an offset on.
    public func firstMatch(in bytes: Span<UInt8>, from offset: Int = 0) -> Range<Int>? {
        var matcher = Matcher(count: program.count)
        return matcher.firstMatch(self, bytes, from: offset)
    }

    /// Appends bytes with what the pattern matches replaced.
    ///
    /// Returns where `limit` has moved to: a match that begins before it is replaced as a whole, so
    /// that what is cut there later shows no part of one.
    @discardableResult
    public func replace(
        in bytes: Span<UInt8>, with replacement: StaticString, limit: Int = .max,
        to output: inout ByteBuffer
    ) -> Int {
        var matcher = Matcher(count: program.count)
        var start = 0
        var moved: Int?
        while start < bytes.count,
            let found = matcher.firstMatch(self, bytes, from: start)
        {
            if found.lowerBound >= limit, moved == nil {
                moved = output.count + limit - start
            }
            output.append(bytes.extracting(start..<found.lowerBound))
            output.append(replacement)
            start = found.upperBound
            if start >= limit, moved == nil { moved = output.count }
        }
        if moved == nil, limit <= bytes.count { moved = output.count + limit - start }
        output.append(bytes.extracting(start..<bytes.count))
        return moved ?? output.count
    }

    /// The ways that are being followed: for each instruction the earliest beginning that leads to
    /// it.
    private struct Matcher {
        private var current: [Int]
        private var next: [Int]
        private var active: [Int] = []
        private var nextActive: [Int] = []
        private var stack: [Int] = []

        init(count: Int) {
            current = [Int](repeating: .max, count: count)
            next = current
        }

        mutating func firstMatch(
            _ pattern: Pattern, _ bytes: Span<UInt8>, from offset: Int
        ) -> Range<Int>? {
            clear()
            var found: Range<Int>?
            var index = offset
            while index < bytes.count {
                let byte = bytes[index]
                // A beginning is only followed where the byte can be a match's first.
                if found == nil, pattern.first.contains(byte) {
                    if let end = follow(0, index, pattern, isNext: false) { found = end..<end }
                }
                if active.isEmpty {
                    if found != nil { return found }
                    index += 1
                    continue
                }
                index += 1
                step(pattern, byte, index, &found)
            }
            return found
        }

        private mutating func step(
            _ pattern: Pattern, _ byte: UInt8, _ end: Int, _ found: inout Range<Int>?
        ) {
            for index in active {
                let begin = current[index]
                current[index] = .max
                // Of two matches the one that begins first counts.
                if let match = found, begin > match.lowerBound { continue }
                guard case .bytes(let set) = pattern.program[index], set.contains(byte) else {
                    continue
                }
                if let start = follow(index + 1, begin, pattern, isNext: true) {
                    if start <= found?.lowerBound ?? .max { found = start..<end }
                }
            }
            active.removeAll(keepingCapacity: true)
            swap(&active, &nextActive)
            swap(&current, &next)
        }

        /// Goes on from an instruction to those that take a byte; a beginning where one is the end.
        private mutating func follow(
            _ index: Int, _ begin: Int, _ pattern: Pattern, isNext: Bool
        ) -> Int? {
            var match: Int?
            stack.append(index)
            while let index = stack.popLast() {
                let known = isNext ? next[index] : current[index]
                guard begin < known else { continue }
                if isNext {
                    if known == .max { nextActive.append(index) }
                    next[index] = begin
                } else {
                    if known == .max { active.append(index) }
                    current[index] = begin
                }
                switch pattern.program[index] {
                case .bytes: break
                case .split(let one, let other):
                    stack.append(other)
                    stack.append(one)
                case .jump(let other): stack.append(other)
                case .match: match = begin
                }
            }
            return match
        }

        private mutating func clear() {
            for index in active { current[index] = .max }
            active.removeAll(keepingCapacity: true)
        }
    }
}
