"""What Binance tells and does across products, under /sapi: rights of keys, deposits, withdrawals, transfers."""

from datetime import UTC, datetime
from typing import Any

from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.flows import Flow, FlowKind
from tests.exchange.ledger import ZERO
from tests.exchange.listings import Product
from tests.exchange.lookup import page
from tests.exchange.orders import Refused, Why
from tests.exchange.wire import Call, Refusal, Right, Route, texts

TRANSFERS = {"MAIN_UMFUTURE": (Product.SPOT, Product.SWAP), "UMFUTURE_MAIN": (Product.SWAP, Product.SPOT)}


class WalletPart:
    """The endpoints of /sapi/v1."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes = [
            Route("GET", "/sapi/v1/capital/config/getall", self.coins, Right.READ),
            Route("GET", "/sapi/v1/margin/allAssets", lambda call: []),
            Route("GET", "/sapi/v1/margin/allPairs", lambda call: []),
            Route("GET", "/sapi/v1/margin/isolated/allPairs", lambda call: []),
            Route("GET", "/sapi/v1/account/apiRestrictions", self.restrictions, Right.READ),
            Route("GET", "/sapi/v1/capital/deposit/hisrec", self.deposits, Right.READ),
            Route("GET", "/sapi/v1/capital/withdraw/history", self.withdrawals, Right.READ),
            Route("POST", "/sapi/v1/asset/transfer", self.transfer, Right.TRADE),
            Route("GET", "/sapi/v1/asset/transfer", self.transfers, Right.READ),
            Route("GET", "/sapi/v1/sub-account/list", self.sub_accounts, Right.READ),
            Route("POST", "/sapi/v1/sub-account/universalTransfer", self.sub_transfer, Right.TRADE),
        ]

    def coins(self, call: Call) -> Any:
        """GET /sapi/v1/capital/config/getall."""
        enabled = dict.fromkeys(("depositAllEnable", "withdrawAllEnable", "trading"), True)
        return [
            {
                "coin": coin,
                "name": coin,
                **enabled,
                "isLegalMoney": False,
                "free": "0",
                "locked": "0",
                "networkList": [],
            }
            for coin in self.exchange.coins()
        ]

    def restrictions(self, call: Call) -> Any:
        """GET /sapi/v1/account/apiRestrictions."""
        key = call.key
        assert key is not None, "only signed requests have a key"
        return {
            "ipRestrict": bool(key.addresses),
            "createTime": 1_600_000_000_000,
            "enableReading": True,
            "enableWithdrawals": key.may_withdraw,
            "enableInternalTransfer": False,
            "permitsUniversalTransfer": True,
            "enableMargin": False,
            "enableFutures": key.may_trade,
            "enableSpotAndMarginTrading": key.may_trade,
            "enableVanillaOptions": False,
        }

    def deposits(self, call: Call) -> Any:
        """GET /sapi/v1/capital/deposit/hisrec."""
        return [
            {"id": str(flow.id), **texts(amount=flow.amount), "coin": flow.coin, "network": "ETH", "status": 1}
            | {"address": "0x1", "addressTag": "", "txId": f"deposit-{flow.id}", "insertTime": flow.time_ms}
            | {"completeTime": flow.time_ms, "transferType": 0, "unlockConfirm": "12/12", "confirmTimes": "12/12"}
            for flow in self._flows(call, FlowKind.DEPOSIT)
        ]

    def withdrawals(self, call: Call) -> Any:
        """GET /sapi/v1/capital/withdraw/history."""
        return [
            {"id": str(flow.id), **texts(amount=-flow.amount, transactionFee=ZERO), "coin": flow.coin, "status": 6}
            | {"address": "0x1", "txId": f"withdrawal-{flow.id}", "applyTime": _written(flow.time_ms), "network": "ETH"}
            | {"completeTime": _written(flow.time_ms), "transferType": 0, "info": "", "confirmNo": 3, "walletType": 0}
            for flow in self._flows(call, FlowKind.WITHDRAWAL)
        ]

    def transfer(self, call: Call) -> Any:
        """POST /sapi/v1/asset/transfer: between the wallets of one account."""
        products = TRANSFERS.get(call.text("type"))
        if products is None:
            raise Refused(Why.PARAMETER, "type")
        source, target = products
        self._move((call.account, source), (call.account, target), call)
        return {"tranId": self.exchange.flows.entries[-1].id}

    def transfers(self, call: Call) -> Any:
        """GET /sapi/v1/asset/transfer."""
        source, _ = TRANSFERS[call.text("type")]
        flows = [flow for flow in self._flows(call, FlowKind.TRANSFER_OUT) if flow.wallet == source]
        rows = [
            {"asset": flow.coin, **texts(amount=-flow.amount), "type": call.text("type"), "status": "CONFIRMED"}
            | {"tranId": flow.id + 1, "timestamp": flow.time_ms}
            for flow in flows
        ]
        return {"total": len(rows), "rows": rows}

    def sub_accounts(self, call: Call) -> Any:
        """GET /sapi/v1/sub-account/list."""
        subs = [account for account in self.exchange.accounts.values() if account.parent == call.account.name]
        return {"subAccounts": [{"email": sub.name, "isFreeze": False, "createTime": 0} for sub in subs]}

    def sub_transfer(self, call: Call) -> Any:
        """POST /sapi/v1/sub-account/universalTransfer: the master account moves coins of its sub-accounts."""
        names = {"SPOT": Product.SPOT, "USDT_FUTURE": Product.SWAP}
        ends = []
        for end in ("from", "to"):
            account = self.exchange.accounts.get(call.parameters.get(f"{end}Email") or call.account.name)
            if account is None or call.account.name not in (account.name, account.parent):
                raise Refusal(-12022, "sub account does not exist")
            ends.append((account, names[call.text(f"{end}AccountType")]))
        self._move(ends[0], ends[1], call)
        return {"tranId": self.exchange.flows.entries[-1].id}

    def _move(self, source: tuple[Account, Product], target: tuple[Account, Product], call: Call) -> None:
        amount, coin = call.number("amount") or ZERO, call.text("asset")
        if amount <= 0 or self.exchange.settlement.free(source[0], source[1], coin) < amount:
            raise Refusal(-5013, "Asset transfer failed: insufficient balance")
        self.exchange.flows.transfer(source, target, coin, amount)

    def _flows(self, call: Call, kind: FlowKind) -> list[Flow]:
        flows = self.exchange.flows.of(call.account, kind)
        coin, limit = call.parameters.get("coin"), min(call.integer("limit") or 1000, 1000)
        flows = [flow for flow in flows if coin in (None, "", flow.coin)]
        return list(page(flows, call.integer("startTime"), call.integer("endTime"), limit))


def _written(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
