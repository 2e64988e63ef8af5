extension Pattern {
    /// Where the pattern first matches from an offset on.
    public func firstMatch(in bytes: Span<UInt8>, from offset: Int = 0) -> Range<Int>? {
        var matcher = Matcher(count: program.count, stepsLeft: .max)
        return matcher.firstMatch(self, bytes, from: offset)
    }

    /// Appends bytes with what the pattern matches replaced.
    ///
    /// Returns where `limit` has moved to: a match that begins before it is replaced as a whole, so
    /// that what is cut there later shows no part of one. Returns nil where more than `steps` would
    /// be needed, and what was appended is of no use then: a match that may always be longer is
    /// followed to the end of the text, again from the end of each match. What is left of the steps
    /// is for the next pattern.
    public func replace(
        in bytes: Span<UInt8>, with replacement: StaticString, limit: Int = .max,
        steps: inout Int, to output: inout ByteBuffer
    ) -> Int? {
        var matcher = Matcher(count: program.count, stepsLeft: steps)
        defer { steps = max(0, matcher.stepsLeft) }
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
        guard matcher.stepsLeft > 0 else { return nil }
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
        /// Instructions that may still be looked at.
        private(set) var stepsLeft: Int

        init(count: Int, stepsLeft: Int) {
            self.stepsLeft = stepsLeft
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
                guard stepsLeft > 0 else { return nil }
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
            stepsLeft -= active.count
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
                stepsLeft -= 1
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
