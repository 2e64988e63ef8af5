import Config
import Dashboard
import Logging
import Primitives
import Reactor
import Sinks
import Telemetry

/// Posts alerts from a thread of its own, which looks at the gateway every few seconds.
final class AlertSender: TimerHandler {
    private static let interval = Interval.seconds(5)
    /// Alerts that wait for a webhook that does not answer: the oldest are dropped first.
    private static let waitingMax = 100

    private let watch: AlertWatch
    private let standing: StandingAlerts
    private let webhook: Webhook
    private let logger: Logger
    private let loop: EventLoop
    private var waiting: [Alert] = []
    private var isFailing = false
    private var timer: TimerWheel.Timer?

    private init(
        _ watch: AlertWatch, _ standing: StandingAlerts, _ webhook: Webhook, _ logger: Logger,
        _ loop: EventLoop
    ) {
        self.watch = watch
        self.standing = standing
        watch.resume(standing.all)
        self.webhook = webhook
        self.logger = logger
        self.loop = loop
        let timer = loop.timers.create(self)
        self.timer = timer
        loop.timers.arm(timer, at: loop.now + Self.interval)
    }

    /// Starts to look, where there is a webhook; the thread ends with the process.
    static func start(_ parts: Composition) throws(SystemError) {
        let settings = parts.configuration.alerts
        guard let webhook = settings.webhook else { return }
        let (facts, records, limits) = (parts.facts, parts.recording.source, parts.access.metrics)
        let (folder, standing) = (parts.configuration.log.path, parts.standingAlerts)
        let logger = parts.logger
        try Reactor.Thread(name: "weir-alerts", standing: .background(niceness: 5)) {
            guard let loop = try? EventLoop(), let hook = Webhook(webhook) else {
                logger.error("alerts cannot be sent: their webhook cannot be set up")
                return
            }
            let watch = AlertWatch(
                settings, facts: facts, records: records, limits: limits, folder: folder)
            let sender = AlertSender(watch, standing, hook, logger, loop)
            withExtendedLifetime(sender) { loop.run() }
        }.detach()
    }

    func timerFired(_ timer: TimerWheel.Timer) {
        defer {
            // One that waits has not been posted, and is not handed over: another finds it anew.
            standing.set(watch.standing.filter { !waiting.contains($0) })
            loop.timers.arm(timer, at: .now() + Self.interval)
        }
        waiting += watch.look()
        waiting.removeFirst(max(0, waiting.count - Self.waitingMax))
        while let alert = waiting.first {
            if let reason = webhook.send(AlertWatch.json(alert)) {
                if !isFailing {
                    logger.warning(
                        "alerts cannot be sent, and wait", metadata: ["reason": "\(reason)"])
                }
                isFailing = true
                return
            }
            isFailing = false
            waiting.removeFirst()
        }
    }
}
