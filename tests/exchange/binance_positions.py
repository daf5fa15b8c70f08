"""Binance's positions of perpetuals, and what may be set for them: leverage, margin type, position mode."""

from typing import Any

from tests.exchange.accounts import Account
from tests.exchange.binance_orders import exchange_symbol
from tests.exchange.engine import Exchange
from tests.exchange.ledger import ZERO
from tests.exchange.listings import Product
from tests.exchange.lookup import open_orders
from tests.exchange.positions import Position
from tests.exchange.wire import Call, Refusal, Right, Route, texts

MAINTENANCE = 0.005
MOST_LEVERAGE = 125


class PositionPart:
    """The endpoints of positions under /fapi."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("GET", "/fapi/v2/positionRisk", self.all_position_risk, Right.READ),
            Route("GET", "/fapi/v3/positionRisk", self.position_risk, Right.READ),
            Route("GET", "/fapi/v1/leverageBracket", self.brackets, Right.READ),
            Route("GET", "/fapi/v1/symbolConfig", self.symbol_config, Right.READ),
            Route("GET", "/fapi/v1/positionSide/dual", self.position_mode, Right.READ),
            Route("POST", "/fapi/v1/positionSide/dual", self.set_position_mode, Right.TRADE),
            Route("POST", "/fapi/v1/leverage", self.set_leverage, Right.TRADE),
            Route("POST", "/fapi/v1/marginType", self.set_margin_type, Right.TRADE),
        ]

    def position_mode(self, call: Call) -> Any:
        """GET /fapi/v1/positionSide/dual."""
        return {"dualSidePosition": call.account.hedge}

    def position_risk(self, call: Call) -> Any:
        """GET /fapi/v3/positionRisk: the symbols with a position."""
        symbol = call.parameters.get("symbol")
        return [
            position_risk(self.exchange, call.account, position)
            for position in call.account.held()
            if symbol in (None, "", position.symbol)
        ]

    def all_position_risk(self, call: Call) -> Any:
        """GET /fapi/v2/positionRisk: every symbol, with leverage and margin type."""
        account, sides = call.account, ("LONG", "SHORT") if call.account.hedge else ("BOTH",)
        rows = []
        for configured in self.symbol_config(call):
            symbol = configured["symbol"]
            said = {"leverage": str(configured["leverage"]), "marginType": configured["marginType"].lower()}
            rows += [
                {**position_risk(self.exchange, account, account.position(symbol, side)), **said} for side in sides
            ]
        return rows

    def symbol_config(self, call: Call) -> Any:
        """GET /fapi/v1/symbolConfig."""
        account, asked = call.account, call.parameters.get("symbol")
        listings = [listing for listing in self.exchange.listings if listing.is_of(Product.SWAP)]
        return [
            {
                "symbol": listing.symbol,
                "marginType": "ISOLATED" if account.isolated.get(listing.symbol) else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": account.leverage_of(listing.symbol),
                "maxNotionalValue": "1000000000",
            }
            for listing in listings
            if asked in (None, "", listing.symbol)
        ]

    def brackets(self, call: Call) -> Any:
        """GET /fapi/v1/leverageBracket."""
        bracket: dict[str, float] = {
            "bracket": 1,
            "initialLeverage": MOST_LEVERAGE,
            "notionalCap": 10**9,
            "notionalFloor": 0,
        }
        bracket |= {"maintMarginRatio": MAINTENANCE, "cum": 0.0}
        listings = [listing for listing in self.exchange.listings if listing.is_of(Product.SWAP)]
        return [{"symbol": listing.symbol, "brackets": [bracket]} for listing in listings]

    def set_leverage(self, call: Call) -> Any:
        """POST /fapi/v1/leverage."""
        symbol, leverage = exchange_symbol(self.exchange, call, Product.SWAP), call.integer("leverage") or 0
        if not 1 <= leverage <= MOST_LEVERAGE:
            raise Refusal(-4028, f"Leverage {leverage} is not valid")
        call.account.leverage[symbol] = leverage
        return {"leverage": leverage, "maxNotionalValue": "1000000000", "symbol": symbol}

    def set_margin_type(self, call: Call) -> Any:
        """POST /fapi/v1/marginType."""
        symbol, wanted = exchange_symbol(self.exchange, call, Product.SWAP), call.text("marginType") == "ISOLATED"
        if call.account.isolated.get(symbol, False) == wanted:
            raise Refusal(-4046, "No need to change margin type.")
        if open_orders(self.exchange, call.account, Product.SWAP, symbol):
            raise Refusal(-4047, "Margin type cannot be changed if there exists open orders.")
        if any(position.symbol == symbol for position in call.account.held()):
            raise Refusal(-4048, "Margin type cannot be changed if there exists position.")
        call.account.isolated[symbol] = wanted
        return {"code": 200, "msg": "success"}

    def set_position_mode(self, call: Call) -> Any:
        """POST /fapi/v1/positionSide/dual."""
        wanted = call.flag("dualSidePosition")
        if call.account.hedge == wanted:
            raise Refusal(-4059, "No need to change position side.")
        if open_orders(self.exchange, call.account, Product.SWAP):
            raise Refusal(-4067, "Position side cannot be changed if there exists open orders.")
        if any(call.account.held()):
            raise Refusal(-4068, "Position side cannot be changed if there exists position.")
        call.account.hedge = wanted
        return {"code": 200, "msg": "success"}


def position_risk(exchange: Exchange, account: Account, position: Position) -> dict[str, Any]:
    """Give a position as /fapi/v3/positionRisk does."""
    mark = exchange.price(position.symbol)
    margin = position.margin(account.leverage_of(position.symbol))
    notional = position.quantity * mark
    isolated = account.isolated.get(position.symbol, False)
    numbers = {"entryPrice": position.entry, "breakEvenPrice": position.entry, "markPrice": mark}
    margins = {"initialMargin": margin, "maintMargin": abs(notional) * 5 / 1000, "positionInitialMargin": margin}
    kept = {"isolatedMargin": margin if isolated else ZERO, "isolatedWallet": margin if isolated else ZERO}
    return {
        "symbol": position.symbol,
        "positionSide": position.side,
        **texts(positionAmt=position.quantity, **numbers, notional=notional, **margins, **kept),
        **texts(unRealizedProfit=position.profit(mark), liquidationPrice=0, openOrderInitialMargin=0),
        "marginAsset": exchange.listing_of(position.symbol).quote,
        "updateTime": exchange.now_ms(),
    }
