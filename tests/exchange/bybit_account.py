"""Bybit's unified account: rights of the key, balances, positions and their modes, deposits and withdrawals."""

from typing import Any

from tests.exchange.accounts import Account
from tests.exchange.bybit_market import asked_listing, refusal
from tests.exchange.engine import Exchange
from tests.exchange.exact import text
from tests.exchange.flows import FlowKind
from tests.exchange.ledger import ZERO, Part
from tests.exchange.listings import Product
from tests.exchange.lookup import open_orders, page
from tests.exchange.orders import Refused, Why
from tests.exchange.positions import Position
from tests.exchange.wire import Call, Right, Route, texts

MARGIN_MODES = {"ISOLATED_MARGIN": True, "REGULAR_MARGIN": False}
SIDES = {"BOTH": 0, "LONG": 1, "SHORT": 2}


class AccountPart:
    """The signed endpoints of user, account, position and asset under /v5."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("GET", "/v5/user/query-api", self.query_api, Right.READ),
            Route("GET", "/v5/account/info", self.info, Right.READ),
            Route("GET", "/v5/account/wallet-balance", self.wallet_balance, Right.READ),
            Route("POST", "/v5/account/set-margin-mode", self.set_margin_mode, Right.TRADE),
            Route("GET", "/v5/position/list", self.positions, Right.READ),
            Route("POST", "/v5/position/set-leverage", self.set_leverage, Right.TRADE),
            Route("POST", "/v5/position/switch-mode", self.switch_mode, Right.TRADE),
            Route("GET", "/v5/asset/coin/query-info", self.coins, Right.READ),
            Route("GET", "/v5/asset/deposit/query-record", self.deposits, Right.READ),
            Route("GET", "/v5/asset/withdraw/query-record", self.withdrawals, Right.READ),
        ]

    def query_api(self, call: Call) -> Any:
        """GET /v5/user/query-api."""
        key = call.key
        assert key is not None, "only signed requests have a key"
        orders = {"ContractTrade": ["Order", "Position"], "Spot": ["SpotTrade"]} if key.may_trade else {}
        wallet = ["AccountTransfer", *(["Withdraw"] if key.may_withdraw else [])]
        return {
            "id": "1",
            "note": "",
            "apiKey": key.api_key,
            "readOnly": 0 if key.may_trade else 1,
            "secret": "",
            "permissions": {"ContractTrade": [], "Spot": [], **orders, "Wallet": wallet, "Options": [], "Exchange": []},
            "ips": list(key.addresses) or ["*"],
            "type": 1,
            "unified": 0,
            "uta": 1,
            "userID": 1,
            "isMaster": not call.account.parent,
        }

    def info(self, call: Call) -> Any:
        """GET /v5/account/info."""
        mode = "ISOLATED_MARGIN" if call.account.isolated.get("") else "REGULAR_MARGIN"
        return {"marginMode": mode, "updatedTime": str(self.exchange.now_ms()), "unifiedMarginStatus": 6}

    def wallet_balance(self, call: Call) -> Any:
        """GET /v5/account/wallet-balance."""
        account, asked = call.account, call.parameters.get("coin")
        coins = self.exchange.ledger.coins(account.name, account.wallet(Product.SPOT))
        rows = [self._coin(account, coin) for coin in coins if asked in (None, "", coin)]
        return {"list": [{"accountType": "UNIFIED", "coin": rows, "totalEquity": "0", "accountIMRate": "0"}]}

    def _coin(self, account: Account, coin: str) -> dict[str, str]:
        free, locked, margin = (self.exchange.ledger.amount(account.pocket(Product.SPOT, part), coin) for part in Part)
        wallet, profit = free + locked + margin, self.exchange.settlement.unrealised(account, coin)
        amounts = {"walletBalance": wallet, "equity": wallet + profit, "unrealisedPnl": profit, "locked": locked}
        margins = {"totalPositionIM": margin, "totalOrderIM": ZERO, "totalPositionMM": ZERO, "borrowAmount": ZERO}
        return {"coin": coin, **texts(**amounts, **margins, accruedInterest=ZERO), "availableToWithdraw": ""}

    def set_margin_mode(self, call: Call) -> Any:
        """POST /v5/account/set-margin-mode: for the whole account."""
        wanted = MARGIN_MODES.get(call.text("setMarginMode"))
        if wanted is None:
            raise Refused(Why.PARAMETER, "setMarginMode")
        call.account.isolated[""] = wanted
        return {"reasons": []}

    def positions(self, call: Call) -> Any:
        """GET /v5/position/list: of a symbol empty ones too."""
        account = call.account
        if call.parameters.get("symbol"):
            symbol, sides = asked_listing(self.exchange, call).symbol, ("LONG", "SHORT") if account.hedge else ("BOTH",)
            held = [account.position(symbol, side) for side in sides]
        else:
            held = list(account.held())
        rows = [self._position(account, position) for position in held]
        return {"category": call.text("category"), "list": rows, "nextPageCursor": ""}

    def _position(self, account: Account, position: Position) -> dict[str, Any]:
        mark, now_ms, leverage = self.exchange.price(position.symbol), self.exchange.now_ms(), account.leverage_of
        amounts = {"size": abs(position.quantity), "avgPrice": position.entry, "markPrice": mark}
        worth = {"positionValue": abs(position.cost), "unrealisedPnl": position.profit(mark), "curRealisedPnl": ZERO}
        margin = position.margin(leverage(position.symbol))
        return {
            "positionIdx": SIDES[position.side],
            "riskId": 1,
            "symbol": position.symbol,
            "side": "Buy" if position.quantity > 0 else "Sell" if position.quantity < 0 else "",
            **texts(**amounts, **worth, positionIM=margin, positionMM=ZERO, positionBalance=ZERO),
            "leverage": str(leverage(position.symbol)),
            "positionStatus": "Normal",
            "liqPrice": "",
            "bustPrice": "",
            "tradeMode": 0,
            "createdTime": str(now_ms),
            "updatedTime": str(now_ms),
            "seq": 1,
        }

    def set_leverage(self, call: Call) -> Any:
        """POST /v5/position/set-leverage."""
        listing, leverage = asked_listing(self.exchange, call), call.number("buyLeverage") or ZERO
        if not 1 <= leverage <= 100 or leverage != call.number("sellLeverage"):
            raise Refused(Why.PARAMETER, "buyLeverage")
        if call.account.leverage.get(listing.symbol) == leverage:
            raise refusal(110043, "leverage not modified")
        call.account.leverage[listing.symbol] = int(leverage)
        return {}

    def switch_mode(self, call: Call) -> Any:
        """POST /v5/position/switch-mode: for the whole account here."""
        wanted = call.integer("mode") == 3
        if call.account.hedge == wanted:
            raise refusal(110025, "Position mode is not modified")
        if any(call.account.held()):
            raise refusal(110024, "You have an existing position, so position mode cannot be switched")
        if open_orders(self.exchange, call.account, Product.SWAP):
            raise refusal(110028, "Open orders exist, so you cannot change position mode")
        call.account.hedge = wanted
        return {}

    def coins(self, call: Call) -> Any:
        """GET /v5/asset/coin/query-info."""
        return {
            "rows": [{"name": coin, "coin": coin, "remainAmount": "1", "chains": []} for coin in self.exchange.coins()]
        }

    def deposits(self, call: Call) -> Any:
        """GET /v5/asset/deposit/query-record."""
        rows = [
            {
                "id": str(flow.id),
                "coin": flow.coin,
                "chain": "ETH",
                "amount": text(flow.amount),
                "txID": f"tx-{flow.id}",
            }
            | {"status": 3, "toAddress": "0x1", "tag": "", "depositFee": "", "successAt": str(flow.time_ms)}
            for flow in self._flows(call, FlowKind.DEPOSIT)
        ]
        return {"rows": rows, "nextPageCursor": ""}

    def withdrawals(self, call: Call) -> Any:
        """GET /v5/asset/withdraw/query-record."""
        rows = [
            {"withdrawId": str(flow.id), "coin": flow.coin, "chain": "ETH", "amount": text(-flow.amount)}
            | {"txID": f"tx-{flow.id}", "status": "success", "toAddress": "0x1", "tag": "", "withdrawFee": "0"}
            | {"createTime": str(flow.time_ms), "updateTime": str(flow.time_ms), "withdrawType": 0}
            for flow in self._flows(call, FlowKind.WITHDRAWAL)
        ]
        return {"rows": rows, "nextPageCursor": ""}

    def _flows(self, call: Call, kind: FlowKind) -> list[Any]:
        coin, limit = call.parameters.get("coin"), min(call.integer("limit") or 50, 50)
        flows = [flow for flow in self.exchange.flows.of(call.account, kind) if coin in (None, "", flow.coin)]
        return list(page(flows, call.integer("startTime"), call.integer("endTime"), limit))[::-1]
