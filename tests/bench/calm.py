"""The cure measured against the disease, and what each rule adds to it."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.document import table
from tests.bench.fleets import BRAKES_OFF, FREE, Outcome, outcome
from tests.conftest import candles_folder

TITLE = "Calm against legacy"

# What is switched off alone, and the settings that do it.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("confirmation", ("risk.confirm_bars=1",)),
    ("cooldown", ("risk.cooldown=0.0",)),
    ("cost gate", ("risk.edge_to_cost=0.0",)),
    ("hold bands", ("strategies.hold=false",)),
    ("volatility sizing", ("risk.volatility_sizing=false",)),
    ("frozen sizes (resized at every step)", ("risk.resize=true", "risk.resize_band=0.0")),
    ("minimum notional of 100 (10 instead)", ("risk.min_notional=10.0",)),
    ("protective exits", ("risk.stop=0.0", "risk.trail_activate=0.0")),
    ("stop", ("risk.stop=0.0",)),
    ("trailing stop", ("risk.trail_activate=0.0",)),
    ("netting", ("risk.netting=false",)),
    ("rebalance band (moved every step)", ("allocation.rebalance_band=0.0", "allocation.rebalance_every=1")),
    ("allocation by sharpe (equal instead)", ("allocation.policy=equal",)),
)
# A difference of money below this share of it is called none.
NOTICEABLE = 0.0005


def measure() -> str:
    """Run everything; some 60 runs."""
    perp, spot = candles_folder("perp-1m"), candles_folder("spot-5m")
    return "\n\n".join(
        [
            "27 bots, $1,000 each, brakes off, a fee of 0.1% and slippage of 0.05% unless it says free. "
            "`money left` is what is left of 1; `costs` are fees and slippage in quote. `legacy` is how such systems "
            "are run: score allocation, no confirmation, no holding, no gates, no netting. A short costs nothing to "
            "borrow here, and spot cannot be shorted without borrowing. A fleet that has lost all but a hundredth "
            "stops there, for its orders fall below the minimum notional.",
            "### 50.8 days of perpetual futures (perp-1m)",
            _profiles(perp, ("1m", "5m", "15m", "1h")),
            _ratios(perp),
            "### 415 days of spot (spot-5m)",
            _profiles(spot, ("5m", "15m", "1h")),
            "### The default fleet with its brakes on",
            _braked(perp, spot),
            "### Which strategy paid for its costs",
            _sleeves(perp, spot),
            "### What each rule saves when it alone is switched off",
            "Volatility sizing also puts less money at stake, so what it saves is not all skill: with smaller "
            "positions a losing strategy loses less and a winning one wins less. Protective exits cost fills; "
            "whether they pay for them differs from market to market.",
            _ablation(perp, "1h", "perp-1m"),
            _ablation(spot, "1h", "spot-5m"),
            _ablation(perp, "5m", "perp-1m"),
            _ablation(spot, "5m", "spot-5m"),
        ]
    )


def _profiles(folder: Path, timeframes: Sequence[str]) -> str:
    rows = []
    for timeframe in timeframes:
        for name, profile, costs in (("legacy, free", "legacy", FREE), ("legacy", "legacy", ()), ("calm", "calm", ())):
            found = outcome(folder, timeframe, profile, (BRAKES_OFF, *costs))
            rows.append([timeframe, name, *_words(found)])
    header = [
        "bars",
        "profile",
        "fills",
        "a day",
        "orders",
        "orders / fills",
        "costs",
        "saved",
        "money left",
        "drawdown",
    ]
    return table(header, rows)


def _words(found: Outcome) -> list[str]:
    return [
        f"{found.fills:,}",
        f"{found.fills_a_day:,.1f}",
        f"{found.orders:,}",
        f"{found.orders / found.fills:.2f}" if found.fills else "–",
        f"{found.costs_quote:,.0f}",
        f"{found.saved_quote:,.0f}",
        f"{found.money_left:.4f}",
        f"{found.drawdown:.1%}",
    ]


def _ratios(folder: Path) -> str:
    free = outcome(folder, "1m", "legacy", (BRAKES_OFF, *FREE))
    rows = []
    for timeframe, most in (("1m", "18%"), ("5m", "6%"), ("15m", ""), ("1h", "0.7%")):
        share = outcome(folder, timeframe).fills_a_day / free.fills_a_day
        rows.append([f"calm on {timeframe}", f"{share:.2%}", most])
    return "Fills of `calm` at real costs as a share of those of `legacy` on 1m, free:\n\n" + table(
        ["", "share", "at most"], rows
    )


def _braked(perp: Path, spot: Path) -> str:
    rows, said = [], []
    for name, folder in (("perp-1m", perp), ("spot-5m", spot)):
        found = outcome(folder, "1h", "calm", ())
        rows.append([name, *_words(found)])
        said += [f"- {name}: {warning}." for warning in found.warnings if "brake" in warning or "entered" in warning]
    header = ["1h bars", "fills", "a day", "orders", "orders / fills", "costs", "saved", "money left", "drawdown"]
    return table(header, rows) + "\n\n" + ("\n".join(said) or "No brake tripped.")


def _sleeves(perp: Path, spot: Path) -> str:
    rows, said = [], []
    for name, folder, timeframe in (("perp-1m", perp, "1h"), ("spot-5m", spot, "1h"), ("spot-5m", spot, "5m")):
        for sleeve, (profit, costs) in outcome(folder, timeframe).by_sleeve.items():
            rows.append([f"{name}, {timeframe}", sleeve, f"{profit + costs:+,.0f}", f"{costs:,.0f}", f"{profit:+,.0f}"])
            if profit < 0.0:
                worse = "and before them" if profit + costs < 0.0 else "though not before them"
                said.append(f"{sleeve} on {name} ({timeframe})" + f" {worse}")
    lost = f"Lost money after costs: {'; '.join(said)}." if said else "None lost money after costs."
    return table(["candles", "strategy", "profit before costs", "costs", "profit"], rows) + "\n\n" + lost


def _ablation(folder: Path, timeframe: str, name: str) -> str:
    whole = outcome(folder, timeframe)
    rows = [["every rule", *_difference(whole, whole)]]
    richer, poorer = [], []
    for rule, overrides in RULES:
        found = outcome(folder, timeframe, "calm", (BRAKES_OFF, *overrides))
        rows.append([f"without {rule}", *_difference(found, whole)])
        change = found.money_left - whole.money_left
        if abs(change) >= NOTICEABLE:
            (richer if change > 0.0 else poorer).append((change, rule))
    header = [
        f"{name}, {timeframe}",
        "fills",
        "×",
        "orders",
        "costs",
        "more costs",
        "money left",
        "more money",
        "drawdown",
    ]
    said = _sentence("Cost money to be without", poorer) + _sentence("Would have left more money without", richer)
    return table(header, rows) + "\n\n" + said.strip()


def _difference(found: Outcome, whole: Outcome) -> list[str]:
    return [
        f"{found.fills:,}",
        f"{found.fills / whole.fills:.2f}",
        f"{found.orders:,}",
        f"{found.costs_quote:,.0f}",
        f"{found.costs_quote - whole.costs_quote:+,.0f}",
        f"{found.money_left:.4f}",
        f"{found.money_left - whole.money_left:+.4f}",
        f"{found.drawdown:.1%}",
    ]


def _sentence(words: str, changes: list[tuple[float, str]]) -> str:
    if not changes:
        return ""
    ordered = sorted(changes, key=lambda change: -abs(change[0]))
    return f"{words}: {', '.join(f'{rule} ({change:+.2%})' for change, rule in ordered)}. "
