"""A slow, plain reading of the contract of a step, to hold the kernel to.

Written from `docs/kernel.md` alone: it shares no function and no record with the kernel, and quantities are Python's
own whole numbers. What is known of the market and what strategies say of it come in (`World`); the fills, the reason of
every bot at every bar and its money come out (`Run`).

    world ──▶ walk: fill (A) protect (B) mark (C) brake (D) allocate (E) confirm (F) size (G) gate (H) net (I) ──▶ run
"""
