import Access

/// Plans of before, kept until no worker has them any more.
///
/// With ten thousand keys it takes milliseconds to let a plan go. The last request that began with
/// it would do that on its worker, and hold up all others there; here nothing waits for it.
struct RetiredPlans {
    /// The plan that is handed out.
    private(set) var latest: AccessPlan?
    private var plans: [AccessPlan] = []

    /// Another plan is handed out from now on.
    mutating func replaceLatest(by plan: AccessPlan) {
        if let latest { plans.append(latest) }
        latest = plan
    }

    /// Lets those go that only this value holds.
    mutating func dropUnused() {
        for index in plans.indices.reversed() where isKnownUniquelyReferenced(&plans[index]) {
            plans.remove(at: index)
        }
    }
}
