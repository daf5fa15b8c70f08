"""The answers of ccxt about orders and money, each checked: a broken body comes as an empty or half-empty answer.

Every function raises InvalidAnswer for what cannot be true.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import product
from typing import Any

from shared.enums import Side
from worker.exchange.listing import InvalidAnswer, shortened
from worker.exchange.protocol import ExchangeOrder, ExchangeTrade, Flow, Status
from worker.exchange.quirks import Quirks

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_STATUS = {
    "open": Status.OPEN,
    "closed": Status.FILLED,
    "canceled": Status.CANCELLED,
    "expired": Status.CANCELLED,
    "rejected": Status.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Place:
    """The market an answer is about: its name in the settings and on the exchange, and a contract in base units."""

    symbol: str
    listed: str
    per_contract: Decimal


def container(raw: Any, quirks: Quirks) -> list[Any]:
    """Give the rows that the exchange's own answer holds where its lists are: only with them may one be empty."""
    for path in quirks.lists:
        held = _at(raw, path)
        if isinstance(held, dict) and quirks.lists_are_tables and len(path) > 1:
            return list(held.values())
        if isinstance(held, list) and all(isinstance(row, dict) for row in held):
            return held
        if held is None and quirks.empty_is_null and len(path) > 1 and path[-1] in (_at(raw, path[:-1]) or ()):
            return []
    raise InvalidAnswer(f"body must hold a list of tables, was {shortened(raw)}")


def rows(answer: Any, raw: Any, quirks: Quirks, what: str) -> list[dict[str, Any]]:
    """Give the rows of a list; `what` names its kind in `quirks.rows_hold`."""
    _require_whole(container(raw, quirks), quirks, what)
    if not isinstance(answer, list) or not all(isinstance(row, dict) for row in answer):
        raise InvalidAnswer(f"must be a list of tables, was {shortened(answer)}")
    return answer


def _require_whole(rows: list[Any], quirks: Quirks, what: str) -> None:
    for row, name in product(rows, quirks.rows_hold.get(what, ())):
        if _at(row, tuple(name.split("."))) in (None, "", {}, []):
            raise InvalidAnswer(f"each row of {what} must hold {name}, was {shortened(row)}")


def order(answer: Any, place: Place, quirks: Quirks) -> ExchangeOrder:
    """Give an order as the exchange has it."""
    if not isinstance(answer, dict) or not isinstance(answer.get("info"), dict):
        raise InvalidAnswer(f"order must be a table, was {shortened(answer)}")
    _require_whole([answer["info"]], quirks, "orders")
    status, side = _STATUS.get(str(answer.get("status"))), _side(answer)
    if status is None:
        raise InvalidAnswer(f"status of an order must be one of {', '.join(_STATUS)}, was {answer.get('status')!r}")
    quantity = number(answer, "amount") * place.per_contract
    filled = _filled(answer, quirks) * place.per_contract
    if quirks.buys_in_quote and side is Side.BUY and answer.get("type") == "market":
        # Sized in quote: what was bought is all that was asked for.
        quantity = filled if status is not Status.OPEN else max(quantity, filled)
    if filled > quantity:
        raise InvalidAnswer(f"filled must not exceed {quantity}, was {filled}")
    if status is Status.FILLED and filled < quantity:
        status = Status.CANCELLED
    return ExchangeOrder(
        quirks.ours(str(answer.get("clientOrderId") or "")),
        _id(answer),
        place.symbol,
        side,
        status,
        quantity,
        filled,
        _time_ms(answer),
        _price(answer),
        answer.get("reduceOnly") is True,
    )


def _filled(answer: Mapping[str, Any], quirks: Quirks) -> Decimal:
    said = _at(answer["info"], (quirks.filled_at,)) if quirks.filled_at else None
    return number(answer if said is None else {"filled": said}, "filled")


def order_id(answer: Any, client_order_id: str, quirks: Quirks) -> str:
    """Give the exchange's id of an order it has just taken, where that is all it says."""
    if not isinstance(answer, dict):
        raise InvalidAnswer(f"order must be a table, was {shortened(answer)}")
    said = answer.get("clientOrderId")
    if said is not None and quirks.ours(str(said)) != client_order_id:
        raise InvalidAnswer(f"client id must be {client_order_id}, was {said!r}")
    return _id(answer)


def require_cancelled(answer: Any, raw: Any, client_order_id: str, exchange_id: str | None, quirks: Quirks) -> None:
    """Require that an answer says that the order was cancelled."""
    if quirks.cancel_proof:
        if not _at(raw, quirks.cancel_proof):
            raise InvalidAnswer(f"body must hold {'.'.join(quirks.cancel_proof)}, was {shortened(raw)}")
        return
    said = answer if isinstance(answer, dict) else {}
    named = said.get("clientOrderId") is not None and quirks.ours(str(said["clientOrderId"])) == client_order_id
    if not named and (said.get("id") is None or (exchange_id is not None and str(said["id"]) != exchange_id)):
        raise InvalidAnswer(f"must name the cancelled order, was {shortened(answer)}")


def trade(answer: Mapping[str, Any], place: Place, quirks: Quirks) -> ExchangeTrade:
    """Give an execution as the exchange has it."""
    quantity, price = number(answer, "amount") * place.per_contract, number(answer, "price")
    order_of = answer.get("order")
    if not quantity or not price or not isinstance(order_of, str) or not order_of:
        raise InvalidAnswer(f"trade must have amount, price and order, was {shortened(dict(answer))}")
    fee, coin = _fee(answer, quirks, place)
    return ExchangeTrade(
        _id(answer),
        order_of,
        place.symbol,
        _side(answer),
        quantity,
        price,
        fee,
        coin,
        _time_ms(answer),
        answer.get("takerOrMaker") == "maker",
    )


def balances(answer: Any, raw: Any, quirks: Quirks) -> dict[str, Decimal]:
    """Give all of each coin, what orders hold included and profit that is not realised left out, where that is told."""
    if quirks.wallet is not None:
        return _wallet(raw, *quirks.wallet)
    _require_whole(_coins(raw, quirks), quirks, "balances")
    if not isinstance(answer, dict) or not isinstance(answer.get("total"), dict) or None in answer["total"]:
        raise InvalidAnswer(f"balances must be a table, was {shortened(answer)}")
    return {str(coin): number(answer["total"], coin, signed=True) for coin in answer["total"]}


def _coins(raw: Any, quirks: Quirks) -> list[Any]:
    if quirks.more_at and _at(raw, (quirks.more_at,)) is not False:
        raise InvalidAnswer(f"{quirks.more_at} must be false, or more is not told, was {shortened(raw)}")
    held = _at(raw, quirks.balances)
    if quirks.balances_are_tables and isinstance(held, dict):
        return list(held.values())
    if not quirks.balances_are_tables and isinstance(held, list) and all(isinstance(row, dict) for row in held):
        return held
    raise InvalidAnswer(f"body must hold balances, was {shortened(raw)}")


def _wallet(raw: Any, path: tuple[str, ...], coin: str, amount: str) -> dict[str, Decimal]:
    held = _at(raw, path)
    rows = [held] if isinstance(held, dict) else held
    if not isinstance(rows, list) or not all(isinstance(row, dict) and row.get(coin) for row in rows):
        raise InvalidAnswer(f"balances must be coins, was {shortened(raw)}")
    return {str(row[coin]): number(row, amount, signed=True) for row in rows}


def position(answer: Mapping[str, Any], place: Place) -> Decimal:
    """Give the quantity of a position, less than 0 for a short one."""
    contracts = number(answer, "contracts")
    if contracts and answer.get("side") not in ("long", "short"):
        raise InvalidAnswer(f"side of a position must be long or short, was {answer.get('side')!r}")
    return contracts * place.per_contract * (-1 if answer.get("side") == "short" else 1)


def best_price(answer: Any) -> tuple[Decimal, Decimal]:
    """Give the best bid and ask."""
    if not isinstance(answer, dict):
        raise InvalidAnswer(f"prices must be a table, was {shortened(answer)}")
    bid, ask = number(answer, "bid"), number(answer, "ask")
    if not 0 < bid <= ask:
        raise InvalidAnswer(f"bid must be above 0 and not above the ask {ask}, was {bid}")
    return bid, ask


def flow(answer: Mapping[str, Any], incoming: bool, quirks: Quirks) -> Flow:
    """Give a deposit or withdrawal."""
    amount, coin = number(answer, "amount", signed=True), answer.get("currency") or quirks.flows_coin
    if not isinstance(coin, str) or not coin:
        raise InvalidAnswer(f"coin of a flow must be named, was {shortened(dict(answer))}")
    return Flow(_id(answer), coin, abs(amount) if incoming else -abs(amount), _time_ms(answer))


def number(answer: Mapping[Any, Any], name: Any, signed: bool = False) -> Decimal:
    """Give a number as the decimal it is written as."""
    written = answer.get(name)
    try:
        exact = Decimal(written) if isinstance(written, str | int) and not isinstance(written, bool) else None
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or (exact < 0 and not signed):
        raise InvalidAnswer(f"{name} must be {'a number' if signed else 'a number from 0 on'}, was {written!r}")
    return exact


def _price(answer: Mapping[str, Any]) -> Decimal | None:
    price = number(answer, "price") if answer.get("price") is not None else Decimal(0)
    return price or None


def _fee(answer: Mapping[str, Any], quirks: Quirks, place: Place) -> tuple[Decimal, str]:
    told = answer.get("fees") or [answer.get("fee")]
    paid = [fee for fee in told if isinstance(fee, dict) and fee.get("cost") is not None]
    costs = [(number(fee, "cost", signed=True), str(fee.get("currency") or "")) for fee in paid]
    if not costs and quirks.fees_in_trades:
        raise InvalidAnswer(f"trade must have a fee, was {shortened(dict(answer))}")
    due = [(cost, coin) for cost, coin in costs if cost]
    named = str(_at(answer.get("info"), (quirks.fee_coin_at,)) or "") if quirks.fee_coin_at else ""
    if quirks.fee_coin_at and due and not named and ":" not in place.listed:
        raise InvalidAnswer(f"coin of a fee must be in {quirks.fee_coin_at}, was not")
    due = [(cost, named or coin) for cost, coin in due]
    if len({coin for _, coin in due}) > 1 or any(not coin for _, coin in due):
        raise InvalidAnswer(f"fee must be in one coin, was {shortened(due)}")
    quote = place.symbol.partition("/")[2].partition(":")[0]
    return sum((cost for cost, _ in due), Decimal(0)), due[0][1] if due else quote


def _side(answer: Mapping[str, Any]) -> Side:
    if answer.get("side") not in _SIDES:
        raise InvalidAnswer(f"side must be buy or sell, was {answer.get('side')!r}")
    return _SIDES[answer["side"]]


def _id(answer: Mapping[str, Any]) -> str:
    if not isinstance(answer.get("id"), str) or not answer["id"]:
        raise InvalidAnswer(f"id must be a text, was {answer.get('id')!r}")
    return str(answer["id"])


def _time_ms(answer: Mapping[str, Any]) -> int:
    time_ms = answer.get("timestamp")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or time_ms <= 0:
        raise InvalidAnswer(f"time must be milliseconds, was {time_ms!r}")
    return time_ms


def _at(raw: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(raw, list):
            raw = raw[int(name)] if name.isdigit() and int(name) < len(raw) else None
        else:
            raw = raw.get(name) if isinstance(raw, dict) else None
    return raw
