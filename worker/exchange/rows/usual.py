"""What many rows share."""

from worker.exchange.protocol import Finality
from worker.exchange.quirks import RECEIVE_WINDOW_MS

# Where the exchange refuses what comes later than that after its time stamp.
WINDOW = Finality(RECEIVE_WINDOW_MS, 0)
# Where it does not: the deadline of a call, and the longest that a signature is said to be good for.
NO_WINDOW = Finality(None, 60_000)
FREE_FORM = r"[A-Za-z0-9_-]{1,36}"
REQUESTS = ("market order", "limit order", "post-only", "reduce-only", "cancel", "look-up", "client id")
UNTRIED = ("fees", "own ledger", "rate limits", "testnet")
