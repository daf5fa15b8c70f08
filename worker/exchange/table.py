"""The rows of all exchanges: what was measured with ccxt's client, and what the requests that leave it say.

Rates, but for those of Binance and Kraken, are what ccxt would ask at most. A row's `not_verified` names what no
measurement, recorded request or public document supports. Nothing here was tried on a real exchange.
"""

from worker.exchange.quirks import Quirks, find_quirks
from worker.exchange.rows.binance import BINANCE
from worker.exchange.rows.bitget import BITGET
from worker.exchange.rows.bybit import BYBIT
from worker.exchange.rows.coinbase import COINBASE
from worker.exchange.rows.gate import GATE
from worker.exchange.rows.kraken import KRAKEN
from worker.exchange.rows.kucoin import KUCOIN
from worker.exchange.rows.okx import OKX

QUIRKS: tuple[Quirks, ...] = (*BINANCE, *GATE, *BYBIT, *OKX, *KRAKEN, *KUCOIN, *COINBASE, *BITGET)


def quirks_of(exchange: str, kind: str, of: str = "an account") -> Quirks:
    """Give the row of an exchange and kind of account; `of` names the account. Raises ConfigurationError."""
    return find_quirks(exchange, kind, QUIRKS, of)


def shares_a_wallet(exchange: str) -> bool:
    """Say whether one wallet of an exchange is for all kinds of account."""
    return any(row.kind == "unified" for row in QUIRKS if row.exchange == exchange)
