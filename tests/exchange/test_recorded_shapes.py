"""Our answers have no field that the exchanges' own do not have.

The names are those of the answers ccxt has on record of them, and of the exchanges' documentation; values are not.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.exchange.venue import Venue, make_venue

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"

BINANCE_ORDER = """symbol orderId orderListId clientOrderId transactTime price origQty executedQty
origQuoteOrderQty cummulativeQuoteQty status timeInForce type side workingTime icebergQty
fills selfTradePreventionMode"""
BINANCE_CONTRACT_ORDER = """orderId symbol status clientOrderId price avgPrice origQty executedQty cumQty cumQuote
timeInForce type reduceOnly closePosition side positionSide stopPrice workingType
priceProtect origType priceMatch selfTradePreventionMode goodTillDate updateTime"""
BINANCE_ACCOUNT = """makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade
canWithdraw canDeposit brokered requireSelfTradePrevention preventSor updateTime
accountType balances permissions uid"""
BINANCE_ASSET = """asset walletBalance unrealizedProfit marginBalance maintMargin initialMargin
positionInitialMargin openOrderInitialMargin maxWithdrawAmount crossWalletBalance
crossUnPnl availableBalance marginAvailable updateTime"""
GATE_ORDER = """id text amend_text create_time update_time create_time_ms update_time_ms status
currency_pair type account side amount price time_in_force iceberg left filled_amount
fill_price filled_total avg_deal_price fee fee_currency point_fee gt_fee gt_maker_fee
gt_taker_fee gt_discount rebated_fee rebated_fee_currency stp_act finish_as stp_id"""
BYBIT_EXECUTION = """symbol orderId orderLinkId side orderPrice orderQty leavesQty createType orderType
stopOrderType execFee execId execPrice execQty execType execValue execTime feeCurrency
isMaker feeRate tradeIv markIv markPrice indexPrice underlyingPrice blockTradeId
closedSize seq"""


def placed(name: str, symbol: str) -> tuple[Venue, dict[str, Any]]:
    venue = make_venue(name)
    cost = {"cost": "1000"} if name == "gate" else {}
    return venue, venue.client.create_order(symbol, "market", "buy", "0.01", None, cost)["info"]


def bybit_execution() -> dict[str, Any]:
    venue, _ = placed("bybit", SWAP)
    return venue.client.fetch_my_trades(SWAP)[0]["info"]


SHAPES: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "binance order": (BINANCE_ORDER, lambda: placed("binance", SPOT)[1]),
    "binance contract order": (BINANCE_CONTRACT_ORDER, lambda: placed("binance", SWAP)[1]),
    "binance account": (BINANCE_ACCOUNT, lambda: make_venue().client.fetch_balance()["info"]),
    "binance asset": (BINANCE_ASSET, lambda: make_venue().client.fetch_balance({"type": "swap"})["info"]["assets"][0]),
    "gate order": (GATE_ORDER, lambda: placed("gate", SPOT)[1]),
    "bybit execution": (BYBIT_EXECUTION, bybit_execution),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_answer_has_no_field_that_the_exchange_does_not_send(shape: str) -> None:
    names, answer = SHAPES[shape]
    said = set(answer())
    assert said - set(names.split()) == set() and len(said) >= len(names.split()) / 2
