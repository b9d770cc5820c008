"""The real use cases in a simulated world: seeded faults, AWS's delivery semantics, a virtual clock and invariants."""
