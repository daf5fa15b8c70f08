"""KuCoin: spot, and perpetuals."""

from dataclasses import replace

from worker.exchange.quirks import Duplicates, Quirks, Rate
from worker.exchange.rows.usual import NO_WINDOW, REQUESTS, UNTRIED

_KUCOIN_SPOT = Quirks(
    exchange="kucoin",
    kind="spot",
    hosts=("api.kucoin.com",),
    sandbox=None,
    lists=(("data", "items"), ("data",)),
    balances=("data",),
    finality=NO_WINDOW,
    rate=Rate(1_330, 10_000),
    id_on_the_wire="clientOid",
    has_passphrase=True,
    id_form=r"[A-Za-z0-9_-]{1,40}",
    duplicates=Duplicates.NOT_SAID,
    absent=r"(?i)order.{0,6}not.{0,6}exist",
    cancel_proof=("data",),
    opens_without_symbol=False,
    rows_hold={"trades": ("feeCurrency",), "balances": ("currency", "type")},
    trades_by_order="orderId",
    trades_window_ms=7 * 86_400_000,
    # its deposits and withdrawals are of the main account, which is another wallet: none is taken for a flow
    options={"uta": False, "hf": True, "fetchMarkets": {"types": ["spot"], "fetchTickersFees": False}},
    verified=REQUESTS,
    not_verified=("answers", "duplicates", *UNTRIED),
)

_KUCOIN_SWAP = replace(
    _KUCOIN_SPOT,
    kind="swap",
    hosts=("api-futures.kucoin.com", "api.kucoin.com"),
    margin_parameter="marginMode",
    # one coin, told as a table
    balances_are_tables=True,
    rows_hold={"trades": ("feeCurrency",), "positions": ("symbol",)},
    # else each order leaves with a leverage of 1
    sends_leverage=True,
    options={"uta": False, "fetchMarkets": {"types": ["swap"], "fetchTickersFees": False}},
)

KUCOIN = (_KUCOIN_SPOT, _KUCOIN_SWAP)
