import Journal
import Logging
import Primitives
import Telemetry

// The journals that the rounds read: this process's own, and those of others.
extension ConsumerRounds {
    /// Opens what earlier processes left, oldest first, before this process's own.
    func openSources() {
        areSourcesOpen = true
        retirement.begin()
        let own = Set(journals.map(\.path))
        for path in leftPaths() where !own.contains(path) {
            do {
                sources.append(try leftSource(path))
            } catch let error as JournalFile.Unusable {
                putAside(path, error)
            } catch {
                // What it holds is charged by none until it can be.
                isUnreadable = true
                settings.logger.error(
                    "a journal cannot be read", metadata: ["path": "\(path)", "error": "\(error)"])
            }
        }
        do {
            try settings.store.begin(journals: journals.map(\.name.description))
        } catch {
            settings.logger.warning(
                "journals cannot be written down", metadata: ["error": "\(error)"])
        }
        var stored = 0
        for file in journals { sources.append(ownSource(of: file, &stored)) }
        // What another process has stored of this one's is this one's all the same.
        settings.metrics.stored.set(stored)
        journals = []
        prepareRings()
        forgetJournalCharges()
        stateRecovery()
    }

    /// Whether another process writes to a journal, too.
    var hasOtherWriters: Bool { sources.contains(where: \.isLive) }

    /// Takes away what was charged by journal, once no other process can take the record back.
    func forgetJournalCharges() {
        guard !hasForgottenJournalCharges, !hasOtherWriters else { return }
        // Once: those that stay change no difference.
        hasForgottenJournalCharges = true
        do {
            try settings.store.forgetJournalCharges()
        } catch {
            settings.logger.warning(
                "charges by journal cannot be removed", metadata: ["error": "\(error)"])
        }
    }

    private func leftPaths() -> [String] {
        do {
            return try JournalFolder.journals(in: settings.folder.path)
        } catch {
            settings.logger.error(
                "journals of earlier processes cannot be looked for",
                metadata: ["error": "\(error)"])
            return []
        }
    }

    func prepareRings() {
        for source in sources { source.prepare() }
    }

    private func putAside(_ path: String, _ error: JournalFile.Unusable) {
        let aside = try? JournalFolder.putAside(path)
        settings.metrics.damage.add()
        let name = String((aside ?? path).split(separator: "/").last ?? "")
        remember(RecordLoss(kind: .journalAside, name: name))
        settings.logger.error(
            "a file that is no journal is put aside",
            metadata: ["path": "\(aside ?? path)", "error": "\(error)"])
    }

    /// Says once of each journal whose file another hand took away: this process goes on with what
    /// it has in memory, and a kill loses that.
    func lookForJournals(_ now: Instant) {
        guard now - lookedForJournalsAt > settings.lookEvery else { return }
        lookedForJournalsAt = now
        for source in sources where !source.isLeft && !source.file.isThere {
            guard missingJournals.insert(source.name).inserted else { continue }
            settings.logger.error(
                "a journal is not there any more: what it holds is lost if this process is killed",
                metadata: ["path": "\(source.file.path)"])
        }
    }

    /// Has it in the store what was lost, so that an account of the record names it.
    func remember(_ loss: RecordLoss) {
        do {
            try settings.store.remember(loss)
        } catch {
            settings.logger.warning(
                "a loss cannot be written down",
                metadata: ["loss": "\(loss)", "error": "\(error)"])
        }
    }

    private func leftSource(_ path: String) throws -> JournalSource {
        let content = settings.contents[String(path.split(separator: "/").last ?? "")]
        let source = try source(of: JournalFile(opening: path, content: content), isLeft: true)
        if source.file.isHeadDamaged {
            settings.metrics.damage.add()
            settings.logger.error(
                "the head of a journal is damaged", metadata: ["path": "\(path)"])
            remember(RecordLoss(kind: .journalDamage, name: source.name))
        }
        settings.logger.notice(
            source.isLive
                ? "a journal that another process writes to is read"
                : "a journal of an earlier process is read", metadata: ["path": "\(path)"])
        return source
    }

    /// A process that takes over for a while may have read and stored some of it.
    private func ownSource(of file: JournalFile, _ stored: inout Int) -> JournalSource {
        do {
            stored += try settings.store.progress(of: file.name.description)?.stored ?? 0
            return try source(of: file, isLeft: false)
        } catch {
            // Records that are there already are not stored again.
            settings.logger.error(
                "a journal is read from its beginning",
                metadata: ["path": "\(file.path)", "error": "\(error)"])
            return JournalSource(file, from: nil, isLeft: false, capture: settings.capture)
        }
    }

    private func source(of file: JournalFile, isLeft: Bool) throws -> JournalSource {
        let known = try settings.store.progress(of: file.name.description)
        let source = JournalSource(
            file, from: known?.cursor, isLeft: isLeft, capture: settings.capture)
        try settings.store.eachOpenFrames(of: file.name.description) { exchange, frames in
            source.takeBack(exchange: exchange, frames: frames, now: .now())
        }
        return source
    }
}
