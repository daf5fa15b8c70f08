"""Coinbase: spot. Of a perpetual ccxt turns reduce-only into the closing of the whole position."""

from worker.exchange.protocol import Finality
from worker.exchange.quirks import ByName, Duplicates, Quirks, Rate
from worker.exchange.rows.usual import FREE_FORM, UNTRIED

_COINBASE = Quirks(
    exchange="coinbase",
    kind="spot",
    hosts=("api.coinbase.com",),
    sandbox=None,
    lists=(("orders",), ("fills",)),
    balances=("accounts",),
    # a signature is good for 120 s
    finality=Finality(None, 130_000),
    rate=Rate(290, 10_000),
    id_on_the_wire="client_order_id",
    id_form=FREE_FORM,
    # the unified name is dropped and a random id sent
    id_parameter="client_order_id",
    duplicates=Duplicates.RETURNED,
    look_up_by=ByName.NOT,
    cancel_by=ByName.NOT,
    buys_in_quote=True,
    cancel_proof=("results",),
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    most_opens=100,
    more_at="has_next",
    rows_hold={
        "trades": ("trade_time",),
        "balances": ("type", "available_balance.currency", "available_balance.value", "hold.value"),
    },
    options={"fetchBalance": "v3PrivateGetBrokerageAccounts"},
    verified=("market order", "limit order", "post-only", "cancel", "client id"),
    not_verified=("answers", "look-up", "duplicates", *UNTRIED),
)

COINBASE = (_COINBASE,)
