"""Binance: spot, and perpetuals in USDT."""

from dataclasses import replace

from worker.exchange.quirks import RECEIVE_WINDOW_MS, Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import FREE_FORM, REQUESTS, UNTRIED, WINDOW

_BINANCE_SPOT = Quirks(
    exchange="binance",
    kind="spot",
    hosts=("api.binance.com",),
    sandbox=Sandbox(("testnet.binance.vision",)),
    lists=((),),
    balances=("balances",),
    finality=WINDOW,
    id_on_the_wire="newClientOrderId",
    # the spot testnet was seen to refuse . : and /
    id_form=FREE_FORM,
    duplicates=Duplicates.REFUSED_WHILE_OPEN,
    absent=r'"code"\s*:\s*-20(11|13)\b',
    answers_in_full=True,
    fee_coins=("BNB",),
    # what does not say whose it was would be a sale, what does not say how much was filled not filled
    rows_hold={"orders": ("executedQty",), "trades": ("time", "isBuyer"), "balances": ("asset",)},
    history=("fetch_orders",),
    history_page=1_000,
    trades_by_order="orderId",
    trades_page=1_000,
    trades_window_ms=86_400_000,
    flows=("fetch_deposits", "fetch_withdrawals"),
    rate=Rate(6_000, 60_000, 5.0, "X-MBX-USED-WEIGHT-1M"),
    options={
        "recvWindow": RECEIVE_WINDOW_MS,
        "fetchCurrencies": False,
        "fetchMargins": False,
        "fetchMarkets": {"types": ["spot"]},
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    },
    verified=(*REQUESTS, "answers", "duplicates", "finality"),
    not_verified=UNTRIED,
)

_BINANCE_SWAP = replace(
    _BINANCE_SPOT,
    kind="swap",
    # what a key may do is asked at the first
    hosts=("fapi.binance.com", "api.binance.com"),
    sandbox=Sandbox(("demo-fapi.binance.com",), is_demo=True),
    balances=("assets",),
    id_form=r"[.A-Z:/a-z0-9_-]{1,36}",
    trades_window_ms=7 * 86_400_000,
    flows=("fetch_ledger",),
    flows_filter={"incomeType": "TRANSFER"},
    flows_page=1_000,
    wallet=(("assets",), "asset", "walletBalance"),
    rows_hold={"orders": ("executedQty",), "trades": ("time", "side"), "positions": ("symbol",)},
    rate=Rate(2_400, 60_000, 1.0, "X-MBX-USED-WEIGHT-1M"),
    options={
        **_BINANCE_SPOT.options,
        "fetchMarkets": {"types": ["linear"]},
        # without it, what is asked without a symbol is asked of the spot account
        "defaultSubType": "linear",
    },
    verified=(*REQUESTS, "answers"),
    # the documents show the check of the window on arrival only
    not_verified=("duplicates", "finality", *UNTRIED),
)

BINANCE = (_BINANCE_SPOT, _BINANCE_SWAP)
