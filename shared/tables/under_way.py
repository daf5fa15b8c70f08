"""What people look at of accounts on exchanges and orders on their way; terminal and page read the same."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, case, func, select, text

from shared.enums import OrderStatus
from shared.tables.accounts import AccountCoin, AccountState
from shared.tables.trading import ORDER_IS_OPEN, Order

# So many orders are told of one by one, those of which nothing is known first.
MOST_ORDERS = 50


@dataclass(frozen=True, slots=True)
class Difference:
    """A coin, or a position named by its symbol, of which an account has another quantity than the books expect."""

    coin: str
    expected: str
    found: str

    @property
    def gap(self) -> Decimal:
        """Give how much more was found than expected."""
        return Decimal(self.found) - Decimal(self.expected)


@dataclass(frozen=True, slots=True)
class AccountNow:
    """What is known of an account; wall times, 0 for never."""

    account: str
    baseline_ms: int
    reconciled_ms: int
    differs: int
    silent_until_ms: int
    orders_sent: int
    is_confirmed: int
    ramp: float
    ramp_since_ms: int
    skew_ms: int
    used_weight: float
    weight_limit: float
    message: str | None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderNow:
    """An order on its way; wall times. `sent_ms` is none before it left, `look_ms` 0 where no look-up is due."""

    client_order_id: str
    account: str
    symbol: str
    side: str
    quantity: float
    filled_quantity: float
    status: str
    trigger: str
    decided_ms: int
    sent_ms: int | None
    reason: str | None
    looks: int
    look_ms: int

    @property
    def is_unknown(self) -> bool:
        """Say whether nothing is known of what became of it."""
        return self.status == OrderStatus.UNKNOWN.name


@dataclass(frozen=True, slots=True)
class UnderWay:
    """All accounts of a portfolio, its orders on their way (`MOST_ORDERS` at most), and how many they are."""

    accounts: tuple[AccountNow, ...] = ()
    orders: tuple[OrderNow, ...] = ()
    count: int = 0


_ACCOUNT = [AccountState.__table__.c[name] for name in AccountNow.__dataclass_fields__ if name != "differences"]
_ORDER = [Order.__table__.c[name] for name in OrderNow.__dataclass_fields__]


def load_under_way(connection: Connection, portfolio_id: int) -> UnderWay:
    """Load what is known of accounts and of orders on their way; on paper there are no accounts."""
    state = AccountState.__table__.c
    asked = select(*_ACCOUNT).where(state.portfolio_id == portfolio_id).order_by(state.account)
    rows = connection.execute(asked).all()
    if not rows:
        return UnderWay()
    differences = {row.account: _differences(connection, portfolio_id, row.account) for row in rows if row.differs}
    accounts = tuple(AccountNow(**row._mapping, differences=differences.get(row.account, ())) for row in rows)
    own, terms = Order.__table__.c, (Order.__table__.c.portfolio_id == portfolio_id, text(ORDER_IS_OPEN))
    unknown_first = case((own.status == OrderStatus.UNKNOWN.name, 0), else_=1)
    orders = connection.execute(select(*_ORDER).where(*terms).order_by(unknown_first, own.id).limit(MOST_ORDERS)).all()
    count = len(orders)
    if count == MOST_ORDERS:
        count = int(connection.execute(select(func.count()).select_from(Order).where(*terms)).scalar_one())
    return UnderWay(accounts, tuple(OrderNow(*row) for row in orders), count)


def _differences(connection: Connection, portfolio_id: int, account: str) -> tuple[Difference, ...]:
    own = AccountCoin.__table__.c
    asked = select(own.coin, own.expected, own.found).where(own.portfolio_id == portfolio_id, own.account == account)
    # The same number may be written in several ways.
    found = (Difference(*row) for row in connection.execute(asked.where(own.expected != own.found).order_by(own.coin)))
    return tuple(difference for difference in found if difference.gap)
