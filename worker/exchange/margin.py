"""Position mode, margin mode and leverage of an account: set, read back, and refused where they are not as wanted."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from shared.errors import ConfigurationError
from worker.exchange.answers import Place
from worker.exchange.listing import InvalidAnswer, shortened
from worker.exchange.sending import Margin
from worker.exchange.wire import Failure, Wire


def set_margin(wire: Wire, places: Sequence[Place], margin: Margin) -> None:
    """Set how the perpetuals of an account are margined. Raises ConfigurationError, and MarketError where unreachable.

    What the exchange refuses to set because it is so already is read back, or taken at its word where it cannot be.
    """
    _set_one_way(wire, places[0])
    for place in places:
        _set_margin_mode(wire, place, margin)
        _set_leverage(wire, place, margin)


def _set_one_way(wire: Wire, place: Place) -> None:
    client, read = wire.client, None
    if not client.has.get("setPositionMode"):
        return
    if client.has.get("fetchPositionMode"):
        read = partial(wire.ask, "position mode", partial(client.fetch_position_mode, place.listed), _position_mode)
    _settle(wire, "position mode", lambda: client.set_position_mode(False, place.listed), read, "one-way")


def _set_margin_mode(wire: Wire, place: Place, margin: Margin) -> None:
    client, wanted = wire.client, "isolated" if margin.is_isolated else "cross"
    what = f"margin mode of {place.symbol}"
    if not client.has.get("setMarginMode"):
        # A leverage of its own makes a position isolated there.
        if not margin.is_isolated:
            raise ConfigurationError(f"{what} of {wire.name} must be cross, cannot be set by ccxt")
        return
    read = None
    if client.has.get("fetchMarginMode") is True:
        read = partial(wire.ask, what, partial(client.fetch_margin_mode, place.listed), _margin_mode)
    parameters = {"leverage": margin.leverage} if wire.quirks.leverage_takes_mode else {}
    _settle(wire, what, lambda: client.set_margin_mode(wanted, place.listed, dict(parameters)), read, wanted)


def _set_leverage(wire: Wire, place: Place, margin: Margin) -> None:
    client, what = wire.client, f"leverage of {place.symbol}"
    parameters = {}
    if wire.quirks.leverage_takes_mode:
        parameters = {"marginMode": "isolated" if margin.is_isolated else "cross"}
    read = None
    if client.has.get("fetchLeverage"):
        read = partial(wire.ask, what, partial(client.fetch_leverage, place.listed, parameters), _leverage)
    if client.has.get("setLeverage") and not wire.quirks.sends_leverage:
        set_it = partial(client.set_leverage, margin.leverage, place.listed, parameters)
        _settle(wire, what, set_it, read, margin.leverage)


def _settle(
    wire: Wire, what: str, set_it: Callable[[], Any], read: Callable[[], Any] | None, wanted: str | int
) -> None:
    outcome = wire.attempt(set_it, lambda answer: None)
    failed = outcome if isinstance(outcome, Failure) else None
    if failed is not None and not failed.is_final:
        raise wire.error(what, failed)
    found = read() if read is not None else wanted
    why = f": {failed.text}" if failed is not None else ""
    if found != wanted or (read is None and failed is not None and not failed.is_no_change):
        raise ConfigurationError(f"{what} on {wire.name} must be {wanted}, could not be set{why}; was {found}")


def _position_mode(answer: Any) -> str:
    hedged = answer.get("hedged") if isinstance(answer, dict) else None
    if not isinstance(hedged, bool):
        raise InvalidAnswer(f"position mode must be told, was {shortened(answer)}")
    return "hedge" if hedged else "one-way"


def _margin_mode(answer: Any) -> str:
    mode = answer.get("marginMode") if isinstance(answer, dict) else None
    if mode not in ("isolated", "cross"):
        raise InvalidAnswer(f"margin mode must be isolated or cross, was {shortened(answer)}")
    return str(mode)


def _leverage(answer: Any) -> int:
    both = [answer.get(f"{side}Leverage") for side in ("long", "short")] if isinstance(answer, dict) else []
    told = {int(float(leverage)) for leverage in both if leverage is not None}
    if len(told) != 1:
        raise InvalidAnswer(f"leverage must be one number, was {shortened(answer)}")
    return told.pop()
