import Dialects

// What a vendor of the file says about requests that are translated for it.
extension Vendor {
    mutating func readAPIs(_ reader: inout TableReader) {
        guard reader.has("apis") else { return }
        var names: [String] = []
        reader.strings("apis", &names)
        apis = OpenAIAPI.allCases.filter { names.contains($0.rawValue) }
        if apis.isEmpty || names.contains(where: { OpenAIAPI(rawValue: $0) == nil }) {
            reader.error("apis", "must be a list of \"chat\" and \"responses\", or of one of them")
            apis = OpenAIAPI.allCases
        } else if dialect != .openai {
            reader.error("apis", "is for dialect openai: the others have one API each")
        }
    }

    /// Whether it speaks OpenAI's dialect and lacks one of its two APIs.
    public var lacksAPI: Bool { dialect == .openai && apis.count < OpenAIAPI.allCases.count }
}
