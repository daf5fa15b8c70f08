"""What a person may do to a running exchange, by `POST /__control` with `{"do": …}`; `GET` tells its whole record."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.exchange import record
from tests.exchange.accounts import Account
from tests.exchange.desk import Desk
from tests.exchange.exact import text
from tests.exchange.listings import Product
from tests.exchange.orders import Order, Refused, Ticket

Said = Mapping[str, Any]


class Control:
    """Act on an exchange. What an action needs is in `ACTIONS`, as `{name: type}`; a `?` marks what may be missing."""

    ACTIONS: Mapping[str, str] = {
        "order": "account symbol side quantity price? product?",
        "cancel": "id",
        "deposit": "account coin amount product?",
        "withdraw": "account coin amount product?",
        "vanish": "account coin share?",
        "jump": "symbol factor",
        "liquidity": "symbol amount?",
        "lag": "ms",
        "status": "symbol status",
        "delist": "symbol",
        "ban": "seconds status?",
        "skew": "ms",
        "key": "account may_trade? may_withdraw? is_active? addresses?",
        "fault": "action path? method? times? skip? arguments?",
        "clear": "",
    }

    def __init__(self, desk: Desk) -> None:
        self.exchange = desk.exchange
        self._faults = desk.faults
        self._clock = desk.exchange.clock
        self._acts: dict[str, Callable[[Said], object]] = {name: getattr(self, f"_{name}") for name in self.ACTIONS}

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a person's request; pages of other origins are refused."""
        if "Origin" in request.headers:
            return web.json_response({"error": "requests of web pages are refused"}, status=403)
        if request.method == "GET":
            return web.json_response(self.state(), dumps=_dumps)
        try:
            return web.json_response(self.act(await request.json()), dumps=_dumps)
        except (ValueError, KeyError, Refused, ArithmeticError, AssertionError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}", "actions": self.ACTIONS}, status=400)

    def act(self, said: Said) -> object:
        """Do what is said. Raises ValueError, KeyError or Refused where that cannot be."""
        name = said.get("do", "")
        if name not in self._acts:
            raise ValueError(f"do must be one of {', '.join(self.ACTIONS)}, was {name!r}")
        done = self._acts[name](said)
        return {"done": name, **({"order": done.id} if isinstance(done, Order) else {})}

    def state(self) -> object:
        """Give the record of every account, and the faults that fired."""
        accounts = {name: self._state_of(account) for name, account in self.exchange.accounts.items()}
        return {"time_ms": self.exchange.clock(), "accounts": accounts, "fired": self._faults.fired}

    def _state_of(self, account: Account) -> dict[str, Any]:
        orders = record.orders_by_client_id(self.exchange, account)
        balances = record.balances(self.exchange, account)
        positions = record.positions(self.exchange, account)
        return {
            "orders": [row._asdict() for rows in orders.values() for row in rows],
            "trades": [row._asdict() for row in record.trades(self.exchange, account)],
            "balances": {
                " ".join(place): {"free": free, "locked": locked} for place, (free, locked) in balances.items()
            },
            "positions": {" ".join(place): quantity for place, quantity in positions.items()},
            "flows": [row._asdict() for row in record.flows(self.exchange, account)],
        }

    def _account(self, said: Said) -> Account:
        return self.exchange.accounts[said["account"]]

    def _order(self, said: Said) -> Order:
        price = Decimal(str(said["price"])) if "price" in said else None
        name = f"web_{self.exchange.next_number('stranger')}"
        is_buy, quantity = said["side"] == "buy", Decimal(str(said["quantity"]))
        ticket = Ticket(_product(said), said["symbol"], is_buy, quantity, price, client_id=name)
        return self.exchange.place(self._account(said), ticket)

    def _cancel(self, said: Said) -> None:
        self.exchange.cancel(self.exchange.matching.orders[int(said["id"])])

    def _deposit(self, said: Said) -> None:
        self.exchange.flows.deposit(self._account(said), said["coin"], Decimal(str(said["amount"])), _product(said))

    def _withdraw(self, said: Said) -> None:
        self.exchange.flows.withdraw(self._account(said), said["coin"], Decimal(str(said["amount"])), _product(said))

    def _vanish(self, said: Said) -> None:
        self.exchange.flows.vanish(
            self._account(said), said["coin"], Decimal(str(said.get("share", 1))), _product(said)
        )

    def _jump(self, said: Said) -> None:
        self.exchange.catch_up()
        self.exchange.jump(self.exchange.require_listing(said["symbol"]).symbol, Decimal(str(said["factor"])))

    def _liquidity(self, said: Said) -> None:
        if "amount" in said:
            self.exchange.liquidity[said["symbol"]] = Decimal(str(said["amount"]))
        else:
            self.exchange.liquidity.pop(said["symbol"], None)

    def _lag(self, said: Said) -> None:
        self.exchange.query_lag_ms = int(said["ms"])

    def _status(self, said: Said) -> None:
        self.exchange.require_listing(said["symbol"]).status = said["status"]

    def _delist(self, said: Said) -> None:
        self.exchange.delist(self.exchange.require_listing(said["symbol"]).symbol)

    def _ban(self, said: Said) -> None:
        self.exchange.ban_status = int(said.get("status", 429))
        self.exchange.banned_until_ms = self.exchange.clock() + round(float(said["seconds"]) * 1000)

    def _skew(self, said: Said) -> None:
        clock, ahead_ms = self._clock, int(said["ms"])
        self.exchange.clock = lambda: clock() + ahead_ms

    def _key(self, said: Said) -> None:
        key = self._account(said).key
        for name in ("may_trade", "may_withdraw", "is_active"):
            setattr(key, name, bool(said.get(name, getattr(key, name))))
        key.addresses = tuple(said.get("addresses", key.addresses))

    def _fault(self, said: Said) -> None:
        given = {name: said[name] for name in ("path", "method", "times", "skip") if name in said}
        self._faults.add(said["action"], **given, **said.get("arguments", {}))

    def _clear(self, said: Said) -> None:
        self._faults.clear()
        self._faults.script = None


def _product(said: Said) -> Product:
    return Product(said.get("product", "spot"))


def _dumps(document: object) -> str:
    return json.dumps(document, default=text)
