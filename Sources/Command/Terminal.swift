import Glibc

/// The terminal that standard output is, if it is one.
enum Terminal {
    /// Columns of a line where nothing says how many there are.
    private static let usual = 80

    /// Columns of a line on standard output.
    static var columns: Int {
        var size = winsize()
        let isTerminal = unsafe ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
        return columns(
            ofTerminal: isTerminal ? Int(size.ws_col) : nil,
            variable: Environment.variable("COLUMNS"))
    }

    /// … by what the terminal says, nil where there is none, and the variable `COLUMNS`.
    static func columns(ofTerminal columns: Int?, variable: String?) -> Int {
        if let columns { return columns }
        // A line of fewer columns holds no table.
        return max(variable.flatMap { Int($0) } ?? usual, 40)
    }
}
