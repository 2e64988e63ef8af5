/// Gathers the faults of one file, so that an operator sees all of them at once.
final class Findings {
    let file: String
    private(set) var diagnostics: [Diagnostic] = []
    private var locations: [SourceLocation] = []

    init(file: String) {
        self.file = file
    }

    func add(
        _ severity: Diagnostic.Severity, _ path: String, _ message: String,
        at location: SourceLocation
    ) {
        locations.append(location)
        diagnostics.append(
            Diagnostic(
                severity: severity, location: "\(file):\(location.line):\(location.column)",
                key: path, message: message
            )
        )
    }

    /// The faults in the order of the file.
    var sorted: [Diagnostic] {
        zip(locations, diagnostics).sorted { $0.0 < $1.0 }.map(\.1)
    }
}
