"""Gate: spot, and perpetuals in USDT."""

from dataclasses import replace

from worker.exchange.quirks import ByName, Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import REQUESTS, UNTRIED, WINDOW

_GATE_SPOT = Quirks(
    exchange="gate",
    kind="spot",
    hosts=("api.gateio.ws",),
    sandbox=Sandbox(("api-testnet.gateapi.io",)),
    lists=((),),
    balances=(),
    rows_hold={"positions": ("contract",), "balances": ("currency",)},
    # its documents say for how long an id of ours finds an order that is over
    finality=replace(WINDOW, named_ms=3_600_000),
    rate=Rate(200, 10_000),
    id_on_the_wire="text",
    # ccxt puts the prefix before it unless the id begins with t
    id_form=r"(?!t)[A-Za-z0-9_.-]{1,28}",
    id_prefix="t-",
    duplicates=Duplicates.NOT_SAID,
    cancel_by=ByName.ID,
    absent="ORDER_NOT_FOUND|CLIENT_ID_NOT_FOUND",
    over="ORDER_CLOSED|ORDER_CANCELLED",
    answers_in_full=True,
    buys_in_quote=True,
    filled_at="filled_amount",
    fee_coins=("GT",),
    most_opens=100,
    trades_by_order="order_id",
    flows=("fetch_deposits", "fetch_withdrawals"),
    expiry_header="x-gate-exptime",
    options={"unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
    verified=(*REQUESTS, "answers"),
    not_verified=("duplicates", "finality", *UNTRIED),
)

_GATE_SWAP = replace(
    _GATE_SPOT,
    kind="swap",
    buys_in_quote=False,
    filled_at="",
    flows=("fetch_ledger",),
    flows_page=1_000,
    flows_in_seconds=True,
    flows_coin="USDT",
    wallet=((), "currency", "total"),
    options={"unifiedAccount": False, "fetchMarkets": {"types": ["swap"]}},
    verified=REQUESTS,
    not_verified=("answers", "duplicates", "finality", *UNTRIED),
)

GATE = (_GATE_SPOT, _GATE_SWAP)
