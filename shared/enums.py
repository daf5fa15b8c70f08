"""The closed vocabularies of Flotilla.

`IntEnum`s are the ones the compiled step uses; the database and the exports hold their names. `StrEnum`s have
value == name.
"""

from enum import IntEnum, StrEnum, auto


class _Named(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return name


class Level(IntEnum):
    """What a scope is still allowed to do; the highest over scopes and causes rules."""

    RUNNING = 0
    NO_ENTRIES = 1
    FLATTEN = 2
    HALTED = 3


class Cause(IntEnum):
    """Who set a level. Each cause keeps its own; a release clears its own only."""

    PERSON = 0
    DRAWDOWN = 1
    DAILY_LOSS = 2
    CRASHES = 3
    RECONCILIATION = 4
    BANKRUPT = 5
    RUNAWAY = 6
    FIRST_ORDERS = 7


class Reason(IntEnum):
    """Why a bot did or did not trade in a step: the rows of the gate, from the top."""

    HALTED = 0
    FLATTEN = 1
    CLOSE = 2
    STALE = 3
    WARMUP = 4
    NO_ENTRIES = 5
    RECONCILIATION = 6
    UNRESOLVED = 7
    REENTRY_LOCK = 8
    HOLD = 9
    FLAT = 10
    UNCONFIRMED = 11
    COST = 12
    COOLDOWN = 13
    CAP = 14
    MIN_NOTIONAL = 15
    TRADE = 16


class Trigger(IntEnum):
    """What caused a fill; of a round trip's last fill it is the exit reason."""

    SIGNAL = 0
    STOP = 1
    TRAILING_STOP = 2
    LADDER = 3
    FLATTEN = 4
    WRITE_OFF = 5
    CLOSE = 6
    # a holding that was found and given to a bot by a person
    ADOPT = 7


class Leg(IntEnum):
    """The part of an order a fill belongs to: a reversal closes, then opens."""

    CLOSE = 0
    OPEN = 1


class Policy(IntEnum):
    """How raw allocation weights are made."""

    FIXED = 0
    EQUAL = 1
    SCORE = 2
    SHARPE = 3
    INVERSE_VOLATILITY = 4


class OrderStyle(IntEnum):
    """How orders by signal are sent."""

    MARKET = 0
    LIMIT = 1
    MAKER = 2


class NoticeKind(IntEnum):
    """What a brake did."""

    WARNED = 0
    TRIPPED = 1
    RELEASED = 2


class BarStatus(IntEnum):
    """How a bar arrived; anything but FRESH is not traded on by signal."""

    FRESH = 0
    MISSING = 1
    LATE = 2
    REPAIRED = 3


class Side(_Named):
    BUY = auto()
    SELL = auto()


class ScopeKind(_Named):
    PORTFOLIO = auto()
    SLEEVE = auto()
    BOT = auto()


class OrderStatus(_Named):
    """Where an order stands; `worker/orders/states.py` has the legal transitions."""

    INTENT = auto()
    SUBMITTED = auto()
    OPEN = auto()
    PARTLY_FILLED = auto()
    FILLED = auto()
    REJECTED = auto()
    CANCELLED = auto()
    UNKNOWN = auto()
    # proved never to have existed
    ABSENT = auto()


class Purpose(_Named):
    """What an order is for, part of its client order id."""

    NET = auto()
    EXIT = auto()
    FLATTEN = auto()
    SAFETY = auto()
    # closes what the exchange holds beyond the books: no bot's
    RECONCILE = auto()


class CommandKind(_Named):
    PAUSE = auto()
    FLATTEN = auto()
    CLOSE = auto()
    HALT = auto()
    RELEASE = auto()
    DEPOSIT = auto()
    WITHDRAW = auto()
    EXPLAIN = auto()
    WRITE_OFF = auto()
    RECONCILE = auto()


class CommandStatus(_Named):
    ASKED = auto()
    TAKEN = auto()
    DONE = auto()
    REFUSED = auto()


class Severity(_Named):
    INFO = auto()
    WARNING = auto()
    ERROR = auto()


class TransferKind(_Named):
    REBALANCE = auto()
    DEPOSIT = auto()
    WITHDRAWAL = auto()


class BotStatus(_Named):
    ACTIVE = auto()
    RETIRING = auto()
    RETIRED = auto()
    FAILED = auto()


class Resolution(_Named):
    STEP = auto()
    HOUR = auto()
    DAY = auto()
