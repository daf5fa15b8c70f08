"""What an exchange says of a key: whether it may trade and withdraw, and whether it is bound to addresses."""

from collections.abc import Callable, Mapping
from typing import Any

from shared.errors import MarketRefusal
from worker.exchange.listing import InvalidAnswer, shortened
from worker.exchange.protocol import Rights
from worker.exchange.wire import Wire

UNSAID = Rights(None, None, None)


def rights_of(wire: Wire) -> Rights:
    """Ask what a key may do. Raises MarketError; all is None where the exchange, or its testnet, does not say."""
    call, read = _ASKED.get(wire.quirks.exchange, ("", _unsaid))
    if not call:
        return UNSAID

    def accept(answer: Any) -> Rights:
        try:
            return read(answer, wire.quirks.kind)
        except (AttributeError, KeyError, IndexError, TypeError) as error:
            raise InvalidAnswer(f"rights must be told, was {shortened(answer)}") from error

    try:
        return wire.ask("rights of the key", lambda: getattr(wire.client, call)(), accept)
    except MarketRefusal:
        return UNSAID


def _unsaid(answer: Any, kind: str) -> Rights:
    return UNSAID


def _binance(answer: Mapping[str, Any], kind: str) -> Rights:
    trades = answer["enableFutures"] if kind == "swap" else answer["enableSpotAndMarginTrading"]
    return Rights(_said(trades), _said(answer["enableWithdrawals"]), _said(answer["ipRestrict"]))


def _bybit(answer: Mapping[str, Any], kind: str) -> Rights:
    told = answer["result"]
    rights = told["permissions"]
    trades = str(told["readOnly"]) == "0" and bool(rights.get("Spot") or rights.get("ContractTrade"))
    return Rights(trades, "Withdraw" in rights.get("Wallet", ()), _bound(told["ips"]))


def _okx(answer: Mapping[str, Any], kind: str) -> Rights:
    told = answer["data"][0]
    rights = told["perm"].split(",")
    return Rights("trade" in rights, "withdraw" in rights, bool(told["ip"]))


def _kucoin(answer: Mapping[str, Any], kind: str) -> Rights:
    told = answer["data"]
    rights = {right.strip() for right in told["permission"].split(",")}
    trades = ("Futures" if kind == "swap" else "Spot") in rights
    return Rights(trades, bool({"Transfer", "Withdrawal"} & rights), bool(told.get("ipWhitelist")))


def _coinbase(answer: Mapping[str, Any], kind: str) -> Rights:
    # Its right to transfer is the one to send coins elsewhere.
    return Rights(_said(answer["can_trade"]), _said(answer["can_transfer"]), None)


def _bitget(answer: Mapping[str, Any], kind: str) -> Rights:
    told = answer["data"]
    rights = told["authorities"]
    trades = ("coow" if kind == "swap" else "stow") in rights
    return Rights(trades, "wtow" in rights, bool(told["ips"]))


def _gate(answer: Mapping[str, Any], kind: str) -> Rights:
    return Rights(None, None, bool(answer["ip_whitelist"]))


def _said(right: Any) -> bool:
    if not isinstance(right, bool):
        raise TypeError("a right must be told as true or false")
    return right


def _bound(addresses: Any) -> bool:
    return bool(addresses) and "*" not in addresses


_ASKED: Mapping[str, tuple[str, Callable[[Any, str], Rights]]] = {
    "binance": ("sapi_get_account_apirestrictions", _binance),
    "bybit": ("private_get_v5_user_query_api", _bybit),
    "okx": ("private_get_account_config", _okx),
    "kucoin": ("private_get_user_api_key", _kucoin),
    "coinbase": ("v3_private_get_brokerage_key_permissions", _coinbase),
    "bitget": ("private_spot_get_v2_spot_account_info", _bitget),
    "gate": ("private_account_get_detail", _gate),
}
