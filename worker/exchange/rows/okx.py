"""OKX: its trading account, used for spot, for perpetuals, or for both."""

from dataclasses import replace

from worker.exchange.quirks import Duplicates, Quirks, Rate, Sandbox
from worker.exchange.rows.usual import REQUESTS, UNTRIED, WINDOW

_OKX = Quirks(
    exchange="okx",
    kind="unified",
    hosts=("www.okx.com",),
    sandbox=Sandbox(("www.okx.com",), "x-simulated-trading"),
    lists=(("data",),),
    balances=("data",),
    finality=WINDOW,
    rate=Rate(90, 10_000),
    id_on_the_wire="clOrdId",
    has_passphrase=True,
    id_form=r"[A-Za-z0-9]{1,32}",
    duplicates=Duplicates.REFUSED,
    absent=r'"5(1603|1400|1401|1402)"',
    margin_parameter="marginMode",
    leverage_takes_mode=True,
    history=("fetch_closed_orders", "fetch_canceled_orders"),
    most_opens=100,
    trades_by_order="ordId",
    # its deposits and withdrawals are of the funding account, which is another wallet: none is taken for a flow
    rows_hold={"positions": ("instId",)},
    wallet=(("data", "0", "details"), "ccy", "cashBal"),
    expiry_header="expTime",
    options={"fetchMarkets": {"types": ["spot", "swap"]}},
    verified=REQUESTS,
    not_verified=("answers", "duplicates", "finality", *UNTRIED),
)

OKX = (replace(_OKX, kind="spot"), replace(_OKX, kind="swap"), _OKX)
