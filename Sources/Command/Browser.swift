import Glibc
import Reactor

/// The user's browser.
enum Browser {
    /// Shows an address in it, by `xdg-open`; false where there is no screen, or no such program.
    @discardableResult
    static func open(_ address: String) -> Bool {
        let screens = ["DISPLAY", "WAYLAND_DISPLAY"].compactMap { Environment.variable($0) }
        guard screens.contains(where: { !$0.isEmpty }), let program else { return false }
        let nowhere = unsafe Glibc.open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard nowhere >= 0 else { return false }
        defer { close(nowhere) }
        do {
            let pid = try OwnProgram.start([address], output: nowhere, program: program)
            // Some desktops keep it for as long as the browser runs.
            try Reactor.Thread(name: "weir-browser") { _ = waitpid(pid, nil, 0) }.detach()
            return true
        } catch {
            return false
        }
    }

    private static var program: String? {
        let folders = Environment.variable("PATH") ?? ""
        return folders.split(separator: ":").map { "\($0)/xdg-open" }
            .first { unsafe access($0, X_OK) == 0 }
    }
}
