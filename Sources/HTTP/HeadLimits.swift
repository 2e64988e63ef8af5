/// The limits of a request head.
///
/// Real clients stay far below; what is larger costs memory before anything is known about the
/// sender.
public enum HeadLimits {
    /// Bytes of a whole request head.
    ///
    /// Agents that carry long cookies or tokens reach 20 KiB.
    public static let headBytesMax = 64 << 10
    /// Bytes of a request target.
    public static let targetBytesMax = 32 << 10
    /// Header fields.
    public static let fieldsMax = 256
    /// Bytes of one line of chunked framing: a size with its extensions.
    public static let framingLineBytesMax = 4 << 10
    /// Bytes of all trailer fields of a request, which are read and dropped.
    public static let trailerBytesMax = 16 << 10
    /// Header fields of a response.
    public static let responseFieldsMax = 4096
    /// Bytes of a response head, above libcurl's own bound of some 300 KiB.
    public static let responseHeadBytesMax = 512 << 10
}
