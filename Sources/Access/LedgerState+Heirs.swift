extension LedgerState {
    /// Has the states that came after one know of a call that this one admits.
    mutating func enterHeirs(of slot: Int) {
        var slot = slot
        while let heir = heirs[slot] {
            buckets[heir].enter()
            slot = heir
        }
    }

    /// Has the states that came after one know how a call of its ended.
    mutating func settleHeirs(of slot: Int, _ reservation: Reservation, _ charge: Charge, now: Int)
    {
        var slot = slot
        while let heir = heirs[slot] {
            if let step = steps[heir] {
                buckets[heir].inherit(reservation, charge, now: now, step)
            }
            slot = heir
        }
    }
}
