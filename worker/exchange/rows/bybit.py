"""Bybit: its unified account, used for spot, for perpetuals, or for both."""

from dataclasses import replace

from worker.exchange.quirks import RECEIVE_WINDOW_MS, ByName, Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import FREE_FORM, REQUESTS, UNTRIED, WINDOW

_BYBIT = Quirks(
    exchange="bybit",
    kind="unified",
    hosts=("api.bybit.com",),
    sandbox=Sandbox(("api-testnet.bybit.com",)),
    lists=(("result", "list"), ("result", "rows")),
    balances=("result", "list"),
    finality=WINDOW,
    rate=Rate(500, 10_000),
    id_on_the_wire="orderLinkId",
    id_form=FREE_FORM,
    duplicates=Duplicates.REFUSED,
    look_up_by=ByName.LISTS,
    look_up_parameter="orderLinkId",
    cancel_parameter="orderLinkId",
    absent=r'"retCode":\s*"?(110001|170213)\b',
    fee_coin_at="feeCurrency",
    history=("fetch_canceled_and_closed_orders",),
    # without a symbol it gives 20 of one quote and says nothing of the rest
    opens_without_symbol=False,
    most_opens=50,
    positions_by_symbol=True,
    trades_by_order="orderId",
    trades_window_ms=7 * 86_400_000,
    flows=("fetch_deposits", "fetch_withdrawals"),
    wallet=(("result", "list", "0", "coin"), "coin", "walletBalance"),
    rows_hold={"positions": ("symbol",)},
    options={
        "recvWindow": RECEIVE_WINDOW_MS,
        # else it asks for them before each order
        "enableUnifiedAccount": True,
        "enableUnifiedMargin": False,
        "unifiedMarginStatus": 6,
        "fetchMarkets": {"types": ["spot", "linear"]},
    },
    verified=(*REQUESTS, "duplicates"),
    not_verified=("answers", "finality", *UNTRIED),
)

BYBIT = (replace(_BYBIT, kind="spot"), replace(_BYBIT, kind="swap"), _BYBIT)
