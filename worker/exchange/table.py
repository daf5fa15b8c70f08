"""The rows: what was measured with ccxt's client, and what the requests that leave it say.

A row's `not_verified` names what no measurement, recorded request or public document supports. Nothing here was tried
on a real exchange.
"""

from dataclasses import replace

from worker.exchange.protocol import Finality
from worker.exchange.quirks import RECEIVE_WINDOW_MS, ByName, Duplicates, Quirks, Rate, Sandbox, find_quirks

# Where the exchange refuses what comes later than that after its time stamp.
_WINDOW = Finality(RECEIVE_WINDOW_MS, 0)
# Where it does not: the deadline of a call, and the longest that a signature is said to be good for.
_NO_WINDOW = Finality(None, 60_000)
_FREE_FORM = r"[A-Za-z0-9_-]{1,36}"
_REQUESTS = ("market order", "limit order", "post-only", "reduce-only", "cancel", "look-up", "client id")
_ALWAYS_OPEN = ("fees", "own ledger", "rate limits", "testnet")

_BINANCE_SPOT = Quirks(
    exchange="binance",
    kind="spot",
    hosts=("api.binance.com",),
    sandbox=Sandbox(("testnet.binance.vision",)),
    lists=((),),
    balances=(("balances",),),
    finality=_WINDOW,
    id_on_the_wire="newClientOrderId",
    # the spot testnet was seen to refuse . : and /
    id_form=_FREE_FORM,
    duplicates=Duplicates.REFUSED_WHILE_OPEN,
    absent=r'"code"\s*:\s*-20(11|13)\b',
    answers_in_full=True,
    fee_coins=("BNB",),
    history=("fetch_orders",),
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
    verified=(*_REQUESTS, "answers", "duplicates", "finality"),
    not_verified=_ALWAYS_OPEN,
)

_BINANCE_SWAP = replace(
    _BINANCE_SPOT,
    kind="swap",
    hosts=("fapi.binance.com",),
    sandbox=Sandbox(("demo-fapi.binance.com",), is_demo=True),
    balances=(("assets",),),
    id_form=r"[.A-Z:/a-z0-9_-]{1,36}",
    trades_window_ms=7 * 86_400_000,
    flows=("fetch_ledger",),
    wallet=(("assets",), "asset", "walletBalance"),
    rate=Rate(2_400, 60_000, 1.0, "X-MBX-USED-WEIGHT-1M"),
    options={**_BINANCE_SPOT.options, "fetchMarkets": {"types": ["linear"]}},
    verified=(*_REQUESTS, "answers"),
    # the documents show the check of the window on arrival only
    not_verified=("duplicates", "finality", *_ALWAYS_OPEN),
)

_GATE_SPOT = Quirks(
    exchange="gate",
    kind="spot",
    hosts=("api.gateio.ws",),
    sandbox=Sandbox(("api-testnet.gateapi.io",)),
    lists=((),),
    balances=((),),
    finality=_WINDOW,
    id_on_the_wire="text",
    # ccxt puts the prefix before it unless the id begins with t
    id_form=r"(?!t)[A-Za-z0-9_.-]{1,28}",
    id_prefix="t-",
    duplicates=Duplicates.NOT_SAID,
    cancel_by=ByName.ID,
    absent="ORDER_NOT_FOUND|CLIENT_ID_NOT_FOUND",
    answers_in_full=True,
    buys_in_quote=True,
    fee_coins=("GT",),
    most_opens=100,
    trades_by_order="order_id",
    flows=("fetch_deposits", "fetch_withdrawals"),
    expiry_header="x-gate-exptime",
    options={"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
    verified=(*_REQUESTS, "answers"),
    not_verified=("duplicates", "finality", *_ALWAYS_OPEN),
)

_GATE_SWAP = replace(
    _GATE_SPOT,
    kind="swap",
    buys_in_quote=False,
    flows=("fetch_ledger",),
    options={"unifiedAccount": False, "fetchMarkets": {"types": ["swap"]}},
    verified=_REQUESTS,
    not_verified=("answers", "duplicates", "finality", *_ALWAYS_OPEN),
)

_BYBIT = Quirks(
    exchange="bybit",
    kind="unified",
    hosts=("api.bybit.com",),
    sandbox=Sandbox(("api-testnet.bybit.com",)),
    lists=(("result", "list"), ("result", "rows")),
    balances=(("result", "list"),),
    finality=_WINDOW,
    id_on_the_wire="orderLinkId",
    id_form=_FREE_FORM,
    duplicates=Duplicates.REFUSED,
    look_up_by=ByName.LISTS,
    look_up_parameter="orderLinkId",
    cancel_parameter="orderLinkId",
    history=("fetch_canceled_and_closed_orders",),
    # without a symbol it gives 20 of one quote and says nothing of the rest
    opens_without_symbol=False,
    most_opens=50,
    trades_by_order="orderId",
    trades_window_ms=7 * 86_400_000,
    flows=("fetch_deposits", "fetch_withdrawals"),
    options={
        "recvWindow": RECEIVE_WINDOW_MS,
        # else it asks for them before each order
        "enableUnifiedAccount": True,
        "enableUnifiedMargin": False,
        "unifiedMarginStatus": 6,
        "fetchMarkets": {"types": ["spot", "linear"]},
    },
    verified=(*_REQUESTS, "duplicates"),
    not_verified=("answers", "finality", *_ALWAYS_OPEN),
)

_OKX = Quirks(
    exchange="okx",
    kind="unified",
    hosts=("www.okx.com",),
    sandbox=Sandbox(("www.okx.com",), "x-simulated-trading"),
    lists=(("data",),),
    balances=(("data",),),
    finality=_WINDOW,
    id_on_the_wire="clOrdId",
    id_form=r"[A-Za-z0-9]{1,32}",
    duplicates=Duplicates.REFUSED,
    absent=r'"5(1603|1400|1401|1402)"',
    margin_parameter="marginMode",
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    most_opens=100,
    trades_by_order="ordId",
    flows=("fetch_deposits", "fetch_withdrawals"),
    wallet=(("data", "0", "details"), "ccy", "cashBal"),
    expiry_header="expTime",
    options={"fetchMarkets": {"types": ["spot", "swap"]}},
    verified=_REQUESTS,
    not_verified=("answers", "duplicates", "finality", *_ALWAYS_OPEN),
)

_KRAKEN = Quirks(
    exchange="kraken",
    kind="spot",
    hosts=("api.kraken.com",),
    sandbox=None,
    lists=(("result", "open"), ("result", "closed"), ("result", "trades"), ("result", "ledger"), ("result",)),
    balances=(("result",),),
    finality=_NO_WINDOW,
    id_on_the_wire="cl_ord_id",
    id_form=r"[A-Za-z0-9_-]{1,18}",
    duplicates=Duplicates.REFUSED_WHILE_OPEN,
    look_up_by=ByName.LISTS,
    absent="EOrder:Unknown order",
    cancel_proof=("result", "count"),
    trades_page=50,
    flows=("fetch_deposits", "fetch_withdrawals"),
    # 15 of which one is given back in 3 s: the smallest of its accounts
    rate=Rate(15, 45_000),
    verified=_REQUESTS,
    not_verified=("answers", "duplicates", *_ALWAYS_OPEN),
)

_KRAKEN_FUTURES = Quirks(
    exchange="krakenfutures",
    kind="swap",
    hosts=("futures.kraken.com",),
    sandbox=Sandbox(("demo-futures.kraken.com",)),
    lists=(("openOrders",), ("elements",), ("fills",), ("openPositions",), ("logs",)),
    balances=(("accounts",),),
    finality=_NO_WINDOW,
    id_on_the_wire="cliOrdId",
    id_form=r"[A-Za-z0-9_-]{1,36}",
    duplicates=Duplicates.NOT_SAID,
    look_up_by=ByName.NOT,
    cancel_by=ByName.NOT,
    cancel_proof=("cancelStatus", "status"),
    fees_in_trades=False,
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    trades_have_since=False,
    verified=("market order", "limit order", "post-only", "reduce-only", "client id"),
    not_verified=("answers", "cancel", "look-up", "duplicates", *_ALWAYS_OPEN),
)

_KUCOIN_SPOT = Quirks(
    exchange="kucoin",
    kind="spot",
    hosts=("api.kucoin.com",),
    sandbox=None,
    lists=(("data", "items"), ("data",)),
    balances=(("data",),),
    finality=_NO_WINDOW,
    id_on_the_wire="clientOid",
    id_form=r"[A-Za-z0-9_-]{1,40}",
    duplicates=Duplicates.NOT_SAID,
    absent=r"(?i)order.{0,6}not.{0,6}exist",
    cancel_proof=("data",),
    opens_without_symbol=False,
    trades_by_order="orderId",
    trades_window_ms=7 * 86_400_000,
    flows=("fetch_deposits", "fetch_withdrawals"),
    options={"uta": False, "hf": True, "fetchMarkets": {"types": ["spot"], "fetchTickersFees": False}},
    verified=_REQUESTS,
    not_verified=("answers", "duplicates", *_ALWAYS_OPEN),
)

_KUCOIN_SWAP = replace(
    _KUCOIN_SPOT,
    kind="swap",
    hosts=("api-futures.kucoin.com", "api.kucoin.com"),
    margin_parameter="marginMode",
    # else each order leaves with a leverage of 1
    sends_leverage=True,
    options={"uta": False, "fetchMarkets": {"types": ["swap"], "fetchTickersFees": False}},
)

_COINBASE = Quirks(
    exchange="coinbase",
    kind="spot",
    hosts=("api.coinbase.com",),
    sandbox=None,
    lists=(("orders",), ("fills",)),
    balances=(("accounts",),),
    # a signature is good for 120 s
    finality=Finality(None, 130_000),
    id_on_the_wire="client_order_id",
    id_form=_FREE_FORM,
    # the unified name is dropped and a random id sent
    id_parameter="client_order_id",
    duplicates=Duplicates.RETURNED,
    look_up_by=ByName.NOT,
    cancel_by=ByName.NOT,
    buys_in_quote=True,
    cancel_proof=("results",),
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    most_opens=100,
    options={"fetchBalance": "v3PrivateGetBrokerageAccounts"},
    verified=("market order", "limit order", "post-only", "cancel", "client id"),
    not_verified=("answers", "look-up", "duplicates", *_ALWAYS_OPEN),
)

_BITGET_SPOT = Quirks(
    exchange="bitget",
    kind="spot",
    hosts=("api.bitget.com",),
    sandbox=Sandbox(("api.bitget.com",), "PAPTRADING"),
    lists=(("data",), ("data", "entrustedList"), ("data", "fillList"), ("data", "orderList"), ("data", "list")),
    balances=(("data",),),
    finality=_NO_WINDOW,
    id_on_the_wire="clientOid",
    id_form=r"[A-Za-z0-9_]{1,32}",
    duplicates=Duplicates.NOT_SAID,
    absent=r'"4(0109|3001|0768)"',
    buys_in_quote=True,
    history=("fetch_canceled_and_closed_orders",),
    most_opens=100,
    trades_by_order="orderId",
    flows=("fetch_deposits", "fetch_withdrawals"),
    options={"uta": False, "fetchMarkets": {"types": ["spot"]}},
    verified=_REQUESTS,
    not_verified=("answers", "duplicates", *_ALWAYS_OPEN),
)

_BITGET_SWAP = replace(
    _BITGET_SPOT,
    kind="swap",
    buys_in_quote=False,
    margin_parameter="marginMode",
    options={"uta": False, "fetchMarkets": {"types": ["swap"]}},
)

QUIRKS = (
    _BINANCE_SPOT,
    _BINANCE_SWAP,
    _GATE_SPOT,
    _GATE_SWAP,
    *(replace(_BYBIT, kind=kind) for kind in ("spot", "swap")),
    _BYBIT,
    *(replace(_OKX, kind=kind) for kind in ("spot", "swap")),
    _OKX,
    _KRAKEN,
    _KRAKEN_FUTURES,
    _KUCOIN_SPOT,
    _KUCOIN_SWAP,
    _COINBASE,
    _BITGET_SPOT,
    _BITGET_SWAP,
)


def quirks_of(exchange: str, kind: str) -> Quirks:
    """Give the row of an exchange and kind of account. Raises ConfigurationError where there is none."""
    return find_quirks(exchange, kind, QUIRKS)
