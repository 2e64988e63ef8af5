import GRDB
import Journal
public import Primitives

/// An exchange that is not in the store yet.
public struct ExchangeInFlight: Equatable, Sendable {
    /// Its name.
    public let identifier: Identifier
    /// The name of its key, as far as it is known.
    public let key: String
    /// Its session, as far as the client has named it.
    public let session: String

    /// An exchange of these names.
    public init(identifier: Identifier, key: String, session: String) {
        self.identifier = identifier
        self.key = key
        self.session = session
    }
}

extension Store {
    /// The exchanges that have begun and are not in the store: those that are open, and those on
    /// their way there.
    ///
    /// `unreadable`: called with the path of a file that is no journal, and may hold any text.
    /// Throws where the folder or a journal in it cannot be looked into.
    public func exchangesInFlight(
        folder: String, unreadable: (String) -> Void = { _ in }
    ) throws -> [ExchangeInFlight] {
        var found: [ExchangeInFlight] = []
        for file in try Self.journals(folder, unusable: { path, _ in unreadable(path) }) {
            for record in try assembleSteadily(file) {
                let isThere = try database.read { try Self.isStored(record.identifier, $0) }
                guard !isThere else { continue }
                found.append(
                    ExchangeInFlight(
                        identifier: record.identifier, key: record.key, session: record.session))
            }
        }
        return found
    }

    /// What a journal holds, read again when its reader goes on meanwhile: it wipes what it is done
    /// with.
    private func assembleSteadily(_ file: JournalFile) throws -> [Record] {
        for _ in 0..<100 {
            let before = try progress(of: file.name.description)?.cursor ?? 0
            guard file.readCursor <= before || before == 0 else { continue }
            var batch = Batch()
            let source = JournalSource(
                file, from: before, isLeft: true, capture: Capture(bytesMax: 0))
            try eachOpenFrames(of: file.name.description) { exchange, frames in
                source.takeBack(exchange: exchange, frames: frames, now: .now())
            }
            repeat {
                source.read(into: &batch, recordsMax: .max, now: .now())
            } while !source.isReadToEnd
            source.interrupt(into: &batch, now: .now())
            let after = try progress(of: file.name.description)?.cursor ?? 0
            if after == before, file.readCursor <= before { return batch.records }
        }
        throw Failure(
            code: "", description: "\(file.path) changes too fast to be read; try again")
    }
}
