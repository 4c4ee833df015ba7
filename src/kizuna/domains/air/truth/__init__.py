"""Truth checks: what speaks against a flight, each with a code, a weight and what it rests on; together they are a doubt, never a bare yes.

Weights: 1 is enough by itself (it cannot be otherwise), 0.5 cannot be explained but by a fault of the sender, 0.2 is odd.
"""

WEIGHTS: dict[str, float] = {
    "two-places": 1.0,
    "many-names": 1.0,
    "time-apart": 1.0,
    "shared-clock": 1.0,
    "two-clocks": 0.8,
    "too-strong": 0.8,
    "jump": 0.7,
    "two-transmitters": 0.6,
    "time-still": 0.6,
    "signal-flat": 0.6,
    "signal-steady": 0.6,
    "operator-far": 0.6,
    "two-sequences": 0.5,
    "clock-still": 0.5,
    "clock-wild": 0.5,
    "time-back": 0.5,
    "speed-mismatch": 0.5,
    "impossible-value": 0.5,
    "sequence-still": 0.4,
    "out-of-range": 0.4,
    "out-of-view": 0.3,
    "counter-still": 0.3,
    "unknown-version": 0.3,
    "pack-cut-short": 0.3,
    "no-rates": 0.3,
    "serial-form": 0.2,
    "unknown-code": 0.2,
    "time-off": 0.2,
    "reserved-bits": 0.1,
}
"""What each reason weighs; some weigh 1 where they were seen often enough."""
