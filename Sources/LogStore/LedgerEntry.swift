import Access
import GRDB
import Primitives

// DESIGN
//
// What limits were charged is summed up in the transaction that stores a record, and kept apart
// from the records: to remove records, because of their age or because they are to be forgotten,
// changes no sum. A trigger of the database counts what was removed, whatever removes it. So at any
// time, key by key: sums = records + removed.

/// What the calls of one key in one period were charged.
struct LedgerEntry: Equatable, Sendable {
    /// How long periods are: minutes for rates that restart with the process otherwise, and hours,
    /// of which days, weeks and months are made.
    enum Period: Int, CaseIterable, Sendable {
        case minute = 60_000
        case hour = 3_600_000
    }

    /// Which period of which key.
    struct Key: Hashable, Sendable {
        var period: Period
        /// Its beginning, in milliseconds since 1970.
        var start: Int
        var name: String
        var group: String
    }

    /// What was charged.
    struct Sum: Equatable, Sendable {
        var calls = 0
        var tokens = 0
        var nanodollars = 0

        mutating func add(_ other: Sum) {
            calls += other.calls
            tokens += other.tokens
            nanodollars += other.nanodollars
        }
    }

    /// The sums of some records.
    struct Gathered {
        private(set) var sums: [Key: Sum] = [:]

        var isEmpty: Bool { sums.isEmpty }

        mutating func add(_ record: borrowing Record) {
            guard let tokens = record.chargedTokens, let nanodollars = record.chargedNanodollars
            else { return }
            // A request that was refused counts against no rate.
            let sum = Sum(
                calls: record.attempts.isEmpty ? 0 : 1, tokens: tokens, nanodollars: nanodollars)
            // When it was admitted: its name has read the clock.
            let time = Int(record.identifier.high >> 16)
            for period in Period.allCases {
                let key = Key(
                    period: period, start: time - time % period.rawValue, name: record.key,
                    group: record.group)
                sums[key, default: Sum()].add(sum)
            }
        }

        mutating func add(_ sum: Sum, to key: Key) {
            sums[key, default: Sum()].add(sum)
        }

        mutating func add(_ other: Gathered) {
            for (key, sum) in other.sums { sums[key, default: Sum()].add(sum) }
        }

        /// What a ledger in memory is restored from, earlier periods first.
        var charges: [PastCharge] {
            sums.sorted { ($0.key.start, $0.key.name) < ($1.key.start, $1.key.name) }
                .map { key, sum in
                    PastCharge(
                        key: key.name, group: key.group, began: key.start,
                        length: key.period.rawValue, calls: sum.calls, tokens: sum.tokens,
                        nanodollars: sum.nanodollars)
                }
        }
    }
}
