"""Why nothing was traded: how often each reason decided, and the one number that binds."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.enums import Reason
from shared.money import Money, is_known
from shared.words import many

# The most frequent of these is what keeps bots from trading: what else may decide comes before it and passes.
_STOPS = (
    Reason.HOLD,
    *(Reason.HALTED, Reason.FLATTEN, Reason.CLOSE, Reason.STALE, Reason.NO_ENTRIES, Reason.RECONCILIATION),
    *(Reason.UNRESOLVED, Reason.REENTRY_LOCK),
    *(Reason.COST, Reason.COOLDOWN, Reason.CAP, Reason.MIN_NOTIONAL),
)
# A position so near to the whole allocation is all of it: the rest is costs.
_WHOLE = 0.99


@dataclass(frozen=True, slots=True)
class Standstill:
    """Bots that made no trade: how many, and of their steps how many each reason decided.

    `allocation` is the most one of them has and `equity` the portfolio's, in quote. `nearest` and `limit` are what the
    binding reason measured at the last step, of the bot that came nearest; NaN where it did not decide there.
    `horizon_bars` is the longest look-back of their strategies, 0 where it is not known.
    """

    bots: int
    counts: Mapping[Reason, int]
    allocation: float
    equity: float
    nearest: float = math.nan
    limit: float = math.nan
    horizon_bars: int = 0
    # where they trade
    accounts: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Give the steps of all of them."""
        return sum(self.counts.values())

    @property
    def binds(self) -> Reason:
        """Give the reason that keeps them from trading."""
        return binding_reason(self.counts)

    def measured(self, values: Iterable[float], limits: Iterable[float]) -> "Standstill":
        """Give the same with what the binding reason measured at the last step, of the bot that came nearest."""
        pairs = [(value, limit) for value, limit in zip(values, limits, strict=True) if is_known(value)]
        nearest, limit = max(pairs, default=(math.nan, math.nan))
        return replace(self, nearest=float(nearest), limit=float(limit))


def binding_reason(counts: Mapping[Reason, int]) -> Reason:
    """Give the reason that keeps bots without a trade from trading.

    Orders that were made come first. Then the most frequent row that stops a wish, or that all is as wanted; else
    waiting for confirmation, else warming up, else that no position was wanted.
    """
    if counts.get(Reason.TRADE):
        return Reason.TRADE
    stopped = {reason: counts.get(reason, 0) for reason in _STOPS}
    most = max(stopped, key=lambda reason: stopped[reason])
    if stopped[most]:
        return most
    return next((reason for reason in (Reason.UNCONFIRMED, Reason.WARMUP) if counts.get(reason)), Reason.FLAT)


def why_no_trades(
    stood: Standstill, settings: Mapping[str, Any], counted: Money, spelled: Callable[[str], str] = str
) -> str:
    """Say what keeps bots from trading, by which number, and how often each reason decided; without an end.

    `settings` are those of the books, by section; `spelled` writes the name of a reason.
    """
    binds = stood.binds
    others = sorted(
        ((count, reason) for reason, count in stood.counts.items() if count and reason != binds), reverse=True
    )
    said = ", ".join(f"{count:,} {spelled(reason.name)}" for count, reason in others)
    number = _NUMBERS[binds](stood, settings, counted)
    of_steps = f"{many(stood.counts.get(binds, 0), 'step', stood.steps)} {spelled(binds.name)}"
    return f"{of_steps}: {number}" + (f"; the others {said}" if said else "")


def _min_notional(stood: Standstill, settings: Mapping[str, Any], counted: Money) -> str:
    risk = settings["risk"]
    least = risk["min_notional"]
    most, said = _largest_position(stood, settings, counted)
    if most < least:
        return f"{said} is below risk.min_notional {_amount(counted, least)}"
    if not is_known(stood.nearest):
        return f"what was left to change was worth less than risk.min_notional {_amount(counted, least)}"
    limit = least if not is_known(stood.limit) else stood.limit
    return (
        f"the largest change wanted at the last step was worth {_amount(counted, stood.nearest)}, below "
        f"{_amount(counted, limit)} (risk.min_notional, or the exchange's own minimum)"
    )


def _largest_position(stood: Standstill, settings: Mapping[str, Any], counted: Money) -> tuple[float, str]:
    """Give the most a bot could hold by the settings, and what makes it so."""
    risk, broker, capital = settings["risk"], settings["broker"], settings["portfolio"]["capital_per_bot"]
    fee_rate = _fee_rate(stood, settings)[0]
    is_first = math.isclose(stood.allocation, capital, rel_tol=1e-9)
    own = f"{'portfolio.capital_per_bot' if is_first else 'an allocation of'} {_amount(counted, stood.allocation)}"
    shares = {
        f"risk.max_position {risk['max_position']:g} × {own}": risk["max_position"],
        f"risk.leverage {risk['leverage']:g} × {own}": risk["leverage"] / (1 + fee_rate + broker["slippage"]),
    }
    if risk["volatility_sizing"]:
        shares[f"risk.volatility_high {risk['volatility_high']:g} × {own}"] = risk["volatility_high"]
    bounds = {said: share * stood.allocation for said, share in shares.items()}
    if risk["stop"] > 0.0:
        said = f"risk.risk_per_trade {risk['risk_per_trade']:g} × equity {_amount(counted, stood.equity)}"
        bounds[f"{said} / risk.stop {risk['stop']:g}"] = risk["risk_per_trade"] * stood.equity / risk["stop"]
    said = min(bounds, key=lambda bound: bounds[bound])
    most = bounds[said]
    # Where all of it is too little, whatever else would cut it is not the point.
    if most >= _WHOLE * stood.allocation or stood.allocation < risk["min_notional"]:
        return min(most, stood.allocation), own
    return most, f"{said}, {_amount(counted, most)},"


def _fee_rate(stood: Standstill, settings: Mapping[str, Any]) -> tuple[float, str]:
    """Give the lowest fee of the accounts they trade on, and the setting that says so."""
    usual = (settings["broker"]["fee_rate"], "broker.fee_rate")
    own = {name: settings.get("accounts", {}).get(name, {}).get("fee_rate") for name in stood.accounts}
    return min(
        ((rate, f"accounts.{name}.fee_rate") if rate is not None else usual for name, rate in own.items()),
        default=usual,
    )


def _cost(stood: Standstill, settings: Mapping[str, Any], _counted: Money) -> str:
    edge, broker = settings["risk"]["edge_to_cost"], settings["broker"]
    (fee_rate, setting), slippage = _fee_rate(stood, settings), broker["slippage"]
    needed = f"{edge * 2.0 * (fee_rate + slippage):.2%}"
    rule = f"risk.edge_to_cost {edge:g} × 2 × ({setting} {fee_rate:g} + broker.slippage {slippage:g})"
    if not is_known(stood.nearest):
        return f"the move to expect must be at least {needed}, {rule}"
    return f"the move to expect at the last step was {stood.nearest:.2%} at most, below {needed}, {rule}"


def _cooldown(_stood: Standstill, settings: Mapping[str, Any], _counted: Money) -> str:
    return f"risk.cooldown {settings['risk']['cooldown']:g} seconds since the last fill are not over"


def _cap(stood: Standstill, settings: Mapping[str, Any], counted: Money) -> str:
    if is_known(stood.limit) and stood.limit == 0.0 and stood.nearest <= 0.0:
        return f"there is no money: equity is {_amount(counted, stood.nearest)}"
    caps = {name: settings["risk"][name] for name in ("max_portfolio_exposure", "max_symbol_exposure")}
    said = [f"risk.{name} {cap:g}" for name, cap in caps.items() if cap is not None]
    return f"exposure would exceed {' or '.join(said) or 'what can be counted'} of equity"


def _warmup(stood: Standstill, _settings: Mapping[str, Any], _counted: Money) -> str:
    if not stood.horizon_bars:
        return "strategies have not seen enough bars"
    seen = stood.steps // max(stood.bots, 1)
    return f"strategies look back over {stood.horizon_bars:,} bars, and there were {seen:,}"


def _confirmed(_stood: Standstill, settings: Mapping[str, Any], _counted: Money) -> str:
    return f"no wish lasted for risk.confirm_bars {settings['risk']['confirm_bars']}"


def _always(sentence: str) -> Callable[[Standstill, Mapping[str, Any], Money], str]:
    return lambda *_: sentence


_NUMBERS: dict[Reason, Callable[[Standstill, Mapping[str, Any], Money], str]] = {
    Reason.HALTED: _always("the level says so until a person releases it"),
    Reason.FLATTEN: _always("the level says so until it is released"),
    Reason.CLOSE: _always("a person asked for the position to be closed, and no order could be made yet"),
    Reason.STALE: _always("bars were missing, late or repaired"),
    Reason.WARMUP: _warmup,
    Reason.NO_ENTRIES: _always("the level says so until it is released"),
    Reason.RECONCILIATION: _always("the exchange holds another quantity than the books until that is resolved"),
    Reason.UNRESOLVED: _always("an order of theirs is not yet known to be anything"),
    Reason.REENTRY_LOCK: _always("a protective exit closed the last position, and that side is still wanted"),
    Reason.HOLD: _always("positions are as wanted"),
    Reason.FLAT: _always("no strategy wanted a position"),
    Reason.UNCONFIRMED: _confirmed,
    Reason.COST: _cost,
    Reason.COOLDOWN: _cooldown,
    Reason.CAP: _cap,
    Reason.MIN_NOTIONAL: _min_notional,
    Reason.TRADE: _always("orders were made and none was filled: the bar after each was missing, or it was refused"),
}


def _amount(counted: Money, amount: float) -> str:
    """Write an amount without cents where it has none."""
    return f"{amount:,.0f}" if amount == round(amount) else counted.amount(amount)
