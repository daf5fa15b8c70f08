"""Kraken: spot, and its futures exchange, which is another to ccxt."""

from worker.exchange.quirks import ByName, Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import NO_WINDOW, REQUESTS, UNTRIED

_KRAKEN = Quirks(
    exchange="kraken",
    kind="spot",
    hosts=("api.kraken.com",),
    sandbox=None,
    lists=(("result", "open"), ("result", "closed"), ("result", "trades"), ("result",)),
    balances=("result",),
    finality=NO_WINDOW,
    id_on_the_wire="cl_ord_id",
    id_form=r"[A-Za-z0-9_-]{1,18}",
    duplicates=Duplicates.REFUSED_WHILE_OPEN,
    look_up_by=ByName.LISTS,
    absent="EOrder:Unknown order",
    nonce_rises=True,
    lists_are_tables=True,
    balances_are_tables=True,
    rows_hold={"opens": ("descr.pair",), "history": ("descr.pair",), "trades": ("pair", "time")},
    cancel_proof=("result", "count"),
    trades_page=50,
    flows=("fetch_deposits", "fetch_withdrawals"),
    # 15 of which one is given back in 3 s: the smallest of its accounts
    rate=Rate(15, 45_000),
    verified=REQUESTS,
    not_verified=("answers", "duplicates", *UNTRIED),
)

_KRAKEN_FUTURES = Quirks(
    exchange="krakenfutures",
    kind="swap",
    hosts=("futures.kraken.com",),
    sandbox=Sandbox(("demo-futures.kraken.com",)),
    lists=(("openOrders",), ("elements",), ("fills",), ("openPositions",), ("logs",)),
    balances=("accounts", "flex", "currencies"),
    balances_are_tables=True,
    rows_hold={"opens": ("filledSize",), "positions": ("symbol",), "balances": ("quantity",)},
    finality=NO_WINDOW,
    rate=Rate(16, 10_000),
    id_on_the_wire="cliOrdId",
    id_form=r"[A-Za-z0-9_-]{1,36}",
    duplicates=Duplicates.NOT_SAID,
    look_up_by=ByName.NOT,
    cancel_by=ByName.NOT,
    absent='"notFound"',
    cancel_proof=("cancelStatus", "status"),
    fees_in_trades=False,
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    trades_have_since=False,
    verified=("market order", "limit order", "post-only", "reduce-only", "client id"),
    not_verified=("answers", "cancel", "look-up", "duplicates", *UNTRIED),
)

KRAKEN = (_KRAKEN, _KRAKEN_FUTURES)
