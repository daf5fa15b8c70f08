"""Arrays in, numbers out: what a stretch of equity and its trades amount to. Definitions: `docs/metrics.md`.

What cannot be known from what was given is NaN, never an invented 0.
"""
