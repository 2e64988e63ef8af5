import Glibc

/// The parsers that read what strangers send, each with what must hold of any bytes at all: that it
/// does not trap, and that it says the same however they are cut.
enum FuzzTarget: String {
    case request, head, events, answers, json, toml, record, bodies, codings, segments, rows,
        translations

    /// The one that `WEIR_FUZZ` names.
    static let chosen: FuzzTarget? =
        unsafe getenv("WEIR_FUZZ").flatMap { unsafe FuzzTarget(rawValue: String(cString: $0)) }

    func run(_ input: FuzzInput) {
        switch self {
        case .request: RequestFuzz.run(input)
        case .head: HeadFuzz.run(input)
        case .events: EventFuzz.run(input)
        case .answers: AnswerFuzz.run(input)
        case .json: JSONFuzz.run(input)
        case .toml: TOMLFuzz.run(input)
        case .record: RecordFuzz.run(input)
        case .bodies: BodyFuzz.run(input)
        case .codings: CodingFuzz.run(input)
        case .segments: SegmentFuzz.run(input)
        case .rows: RowFuzz.run(input)
        case .translations: TranslationFuzz.run(input)
        }
    }
}

/// Called by libFuzzer, again and again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    guard let target = FuzzTarget.chosen else { fatalError("WEIR_FUZZ names no target") }
    let raw = unsafe UnsafeBufferPointer(start: start, count: count)
    if let input = unsafe FuzzInput(raw) { target.run(input) }
    return 0
}
