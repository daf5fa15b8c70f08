"""What a strategy declares about itself, and the check of its parameters."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real

from shared.errors import ConfigurationError
from worker.strategies.bands import Bands
from worker.strategies.bars import Bars

# The longest window TA-Lib takes.
LONGEST_WINDOW_BARS = 100_000


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number of a parameter set and what it may be."""

    name: str
    lowest: float
    highest: float
    whole: bool

    def checked(self, value: float, strategy: str) -> float:
        """Give the value, a whole one as int; raises ConfigurationError saying what was expected and what was."""
        number = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not self.lowest <= value <= self.highest or (self.whole and value != int(value)):
            kind = "a whole number" if self.whole else "a number"
            expected = f"{kind} from {self.lowest:g} to {self.highest:g}"
            raise ConfigurationError(f"{strategy}: {self.name} must be {expected}, was {value!r}")
        return int(value) if self.whole else float(value)


def window(name: str, shortest: int = 2) -> Parameter:
    """Declare a parameter that counts bars."""
    return Parameter(name, shortest, LONGEST_WINDOW_BARS, whole=True)


def _accept(*_parameters: float) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named rule from bars to bands, with what a fleet must know before it runs it.

    `rule(bars, *parameters)` is vectorised and causal. `horizon(*parameters)` is its longest look-back and
    `warmup(*parameters)` the bars without which its last band would differ, both in its own bars.
    `refusal(*parameters)` says in one sentence what is wrong with values that are fine one by one, or None.
    `sentences` say by band what the rule saw, with `{close}`, its lines and its parameters by name (`sentences.py`).
    """

    name: str
    prefix: str
    parameters: tuple[Parameter, ...]
    rule: Callable[..., Bands]
    horizon: Callable[..., int]
    warmup: Callable[..., int]
    refusal: Callable[..., str | None] = _accept
    sentences: Mapping[tuple[float, float], str] = field(default_factory=dict)

    def checked(self, values: Sequence[float]) -> tuple[float, ...]:
        """Give a parameter set with whole numbers as int; raises ConfigurationError where it cannot be run."""
        if len(values) != len(self.parameters):
            names = ", ".join(parameter.name for parameter in self.parameters)
            raise ConfigurationError(f"{self.name}: parameters must be ({names}), was {list(values)}")
        checked = tuple(
            parameter.checked(value, self.name) for parameter, value in zip(self.parameters, values, strict=True)
        )
        sentence = self.refusal(*checked)
        if sentence:
            raise ConfigurationError(f"{self.name}: {sentence}")
        return checked

    def bands(self, bars: Bars, *parameters: float) -> Bands:
        """Say the band at each bar, known at that bar's close."""
        return self.rule(bars, *self.checked(parameters))

    def horizon_bars(self, *parameters: float) -> int:
        """Give the bars over which it expects its move: its longest look-back."""
        return self.horizon(*self.checked(parameters))

    def warmup_bars(self, *parameters: float) -> int:
        """Give the bars it needs so that older ones change its last band by no more than 1e-6."""
        return self.warmup(*self.checked(parameters))
