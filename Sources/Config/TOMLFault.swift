/// One thing that makes a text no TOML document.
///
/// A message repeats no value of the document: a value may be a secret whose quotes were forgotten.
struct TOMLFault: Error, Equatable {
    let location: SourceLocation
    let message: String
}

/// Why a text is no TOML document: every fault behind which reading could safely go on.
struct TOMLError: Error {
    /// In the order of the text.
    let faults: [TOMLFault]
}
