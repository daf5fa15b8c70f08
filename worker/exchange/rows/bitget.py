"""Bitget: spot, and perpetuals in USDT, of its classic account."""

from dataclasses import replace

from worker.exchange.quirks import Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import NO_WINDOW, REQUESTS, UNTRIED

_BITGET_SPOT = Quirks(
    exchange="bitget",
    kind="spot",
    hosts=("api.bitget.com",),
    sandbox=Sandbox(("api.bitget.com",), "PAPTRADING"),
    lists=(("data",), ("data", "entrustedList"), ("data", "fillList"), ("data", "orderList"), ("data", "list")),
    balances=("data",),
    finality=NO_WINDOW,
    rate=Rate(200, 10_000),
    id_on_the_wire="clientOid",
    has_passphrase=True,
    id_form=r"[A-Za-z0-9_]{1,32}",
    duplicates=Duplicates.NOT_SAID,
    absent=r'"4(0109|3001|0768)"',
    buys_in_quote=True,
    history=("fetch_canceled_and_closed_orders",),
    most_opens=100,
    # as public records of its answers have it
    empty_is_null=True,
    rows_hold={"positions": ("symbol",), "balances": ("coin",)},
    trades_by_order="orderId",
    flows=("fetch_deposits", "fetch_withdrawals"),
    options={"uta": False, "fetchMarkets": {"types": ["spot"]}},
    verified=REQUESTS,
    not_verified=("answers", "duplicates", *UNTRIED),
)

_BITGET_SWAP = replace(
    _BITGET_SPOT,
    kind="swap",
    buys_in_quote=False,
    margin_parameter="marginMode",
    # its deposits and withdrawals are of the spot account
    flows=(),
    rows_hold={"positions": ("symbol",), "balances": ("marginCoin",)},
    options={"uta": False, "fetchMarkets": {"types": ["swap"]}},
)

BITGET = (_BITGET_SPOT, _BITGET_SWAP)
