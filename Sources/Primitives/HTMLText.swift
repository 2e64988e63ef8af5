/// Text as it stands in a page.
public enum HTMLText {
    /// The text with the four characters that mean something in a page or an attribute replaced,
    /// and without those that ``Printable`` takes out.
    ///
    /// Names come from clients and vendors, so that no text may stand in a page without it.
    public static func escaped(_ text: String) -> String {
        Printable.text(text, keepsLines: true)
            .replacingScalars("&", with: "&amp;").replacingScalars("<", with: "&lt;")
            .replacingScalars(">", with: "&gt;").replacingScalars("\"", with: "&quot;")
    }
}
