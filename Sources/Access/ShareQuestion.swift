/// What a replica says to the store about its share of one limit, and asks for.
public struct ShareQuestion: Equatable, Sendable {
    /// How a limit comes to be free again, which decides what becomes of a silent replica's share.
    public enum Kind: String, Sendable, CaseIterable {
        /// With the next period: what was used stays used.
        case budget = "b"
        /// With the time.
        case rate = "r"
        /// With the end of requests, all of which end with their replica.
        case slots = "c"
    }

    /// What of a scope is limited.
    public enum Axis: Int, Sendable, CaseIterable {
        case requests, tokens, concurrent, budget
    }

    /// How far a replica goes before the store has answered it: what it may use and hold by then.
    public struct Reach: Equatable, Sendable {
        /// Up to where it goes without this question's answer.
        public let current: Int
        /// How much more than it has used and holds it wants to be able to use after that.
        public let ahead: Int
        /// The part of what is unused that it wants at least: one of so many.
        public let parts: Int

        /// A reach of these parts.
        public init(current: Int, ahead: Int, parts: Int) {
            self.current = current
            self.ahead = ahead
            self.parts = parts
        }
    }

    /// What a replica had of a limit, and what all others had, when the store answered last.
    public struct Memory: Equatable, Sendable {
        /// Its own share.
        public let share: Int
        /// The shares of all others, and what those used that are gone.
        public let elsewhere: Int

        /// A memory of these parts; of nothing without them.
        public init(share: Int = 0, elsewhere: Int = 0) {
            self.share = share
            self.elsewhere = elsewhere
        }
    }

    /// The owner of the limit.
    public let scope: Step.Scope
    /// What of it is limited.
    public let axis: Axis
    /// The beginning of the budget's period, in milliseconds since 1970; 0 for other limits.
    public let period: Int
    /// The limit.
    public let limit: Int
    /// What the replica has used and holds.
    public let taken: Int
    /// What it goes on keeping of its share.
    public let claim: Int
    /// What a request asked for that found no room.
    public let need: Int
    /// How far it goes without an answer.
    public let reach: Reach
    /// What it remembers, for a store that has lost everything.
    public let memory: Memory
    /// How long the store keeps what it knows, in milliseconds.
    public let keep: Int
    /// Whether no question of this process about this limit was answered yet.
    public let isFirst: Bool
    /// The index of the scope's state.
    public let slot: Int

    /// How the limit comes to be free again.
    public var kind: Kind {
        switch axis {
        case .requests, .tokens: .rate
        case .concurrent: .slots
        case .budget: .budget
        }
    }
}

/// What the store says.
public struct ShareAnswer: Equatable, Sendable {
    /// What some other replica lacks.
    public enum Shortage: Int, Sendable {
        case none = 0
        /// Its part is much smaller than others'.
        case evenness = 1
        /// Room for a request that it had to refuse.
        case room = 2
    }

    /// The replica's share.
    public let share: Int
    /// What of it the replica may use and hold before it is answered again.
    public let reach: Int
    /// What the others have used and hold.
    public let elsewhere: Int
    /// What is granted to the others, or used by them.
    public let grantedElsewhere: Int
    /// How many share the limit.
    public let replicas: Int
    /// What another one lacks.
    public let shortage: Shortage
    /// When the store answered, by its clock, in milliseconds since 1970.
    public var time: Int

    /// An answer of these parts.
    public init(
        share: Int, reach: Int, elsewhere: Int, grantedElsewhere: Int, replicas: Int,
        shortage: Shortage, time: Int
    ) {
        self.time = time
        self.grantedElsewhere = grantedElsewhere
        self.share = share
        self.reach = reach
        self.elsewhere = elsewhere
        self.replicas = replicas
        self.shortage = shortage
    }
}
