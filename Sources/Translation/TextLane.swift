import Primitives

/// The short way of an open item's text: event by event from the vendor's framing into the
/// client's, with nothing read, and nothing allocated, in between.
///
/// What reader and writer keep of the text is gathered, and given to them when another event
/// comes.
struct TextLane {
    /// The item.
    let key: Int
    /// Whether its text is a call's arguments.
    let isArguments: Bool
    private let template: EventTemplate
    /// Nil where the client gets the text later, and whole.
    private let frame: FrameTemplate?
    private let keepsText: Bool
    /// The text of the events so far, where anything keeps it.
    private(set) var text: [UInt8] = []
    /// The last event, where events say a usage.
    private(set) var last: [UInt8] = []
    /// The number of the next event for the client.
    private(set) var number: Int

    init(
        key: Int, isArguments: Bool, _ template: EventTemplate, _ frame: FrameTemplate?,
        number: Int, keepsText: Bool
    ) {
        self.key = key
        self.isArguments = isArguments
        self.template = template
        self.frame = frame
        self.number = number
        self.keepsText = keepsText || isArguments || frame == nil
    }

    /// Passes an event on; false where it is another one than those before.
    mutating func pass(_ event: Span<UInt8>, into output: inout ByteBuffer) -> Bool {
        guard let range = template.text(of: event) else { return false }
        let inner = event.extracting(range)
        if keepsText { text.append(inner) }
        if template.hasUsage {
            last.removeAll(keepingCapacity: true)
            last.append(event)
        }
        guard let frame else { return true }
        frame.append(inner, number: number, to: &output)
        number += 1
        return true
    }
}
