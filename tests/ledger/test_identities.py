"""Each identity of the books holds of true books, and of none that a saboteur has been at."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from worker.ledger.identities import (
    account_gap,
    cash_gap,
    equity_gap,
    is_noise,
    profit_gap,
    transfer_gap,
    units_gap,
)


@dataclass(frozen=True, slots=True)
class BotBooks:
    """Two fills of one bot: 2 bought at 100, 0.5 sold at 120, at a fee of 0.1 %, with 3 of funding; now at 110."""

    money_in: float = 1000.0
    fills: tuple[tuple[float, float, float], ...] = ((2.0, 100.0, 0.2), (-0.5, 120.0, 0.06))
    funding: float = 3.0
    cash: float = 1000.0 - 200.0 - 0.2 + 60.0 - 0.06 - 3.0
    quantity: float = 1.5
    close: float = 110.0
    realised: float = 0.5 * 20.0 - 0.05 - 0.06
    unrealised: float = 1.5 * 10.0 - 0.15
    transfers: tuple[float, ...] = (-25.0, 10.0, 15.0)
    account: float = 1.5
    others: tuple[float, ...] = field(default=(500.0, 700.0))

    @property
    def equity(self) -> float:
        return self.cash + self.quantity * self.close


def _units(quantity: float) -> int:
    return round(quantity * 1e8)


CHECKS: dict[str, Callable[[BotBooks], float]] = {
    "cash": lambda b: cash_gap(
        b.cash, b.money_in, sum(q * p for q, p, _ in b.fills), sum(f for *_, f in b.fills), b.funding
    ),
    "quantity": lambda b: units_gap(_units(b.quantity), [_units(quantity) for quantity, *_ in b.fills]),
    "transfers": lambda b: transfer_gap(b.transfers),
    "account": lambda b: account_gap(_units(b.account), [_units(b.quantity)]),
    "equity": lambda b: equity_gap(50.0 + 1200.0 + b.cash + 1.5 * 110.0, 50.0, [*b.others, b.equity]),
    "profit": lambda b: profit_gap(b.equity, b.money_in, b.realised, b.unrealised, b.funding),
}
TRUE = BotBooks()
SABOTEURS = {
    "cash": replace(TRUE, cash=TRUE.cash - 0.01),
    "quantity": replace(TRUE, fills=TRUE.fills[:1]),
    "transfers": replace(TRUE, transfers=(-25.0, 10.0, 15.0 + 2**-20)),
    "account": replace(TRUE, account=1.5 + 1e-6),
    "equity": replace(TRUE, others=(500.0, 699.99)),
    "profit": replace(TRUE, realised=TRUE.realised + 0.001),
}


@pytest.mark.parametrize("identity", CHECKS)
def test_an_identity_holds_of_true_books_and_catches_its_saboteur(identity: str) -> None:
    assert is_noise(CHECKS[identity](TRUE), 1.0)
    assert not is_noise(CHECKS[identity](SABOTEURS[identity]), 1.0)


@pytest.mark.parametrize("identity", CHECKS)
def test_a_gap_is_signed_and_of_the_size_of_what_is_missing(identity: str) -> None:
    expected = {"cash": -0.01, "quantity": -5e7, "transfers": 2**-20, "account": 100, "equity": 0.01, "profit": -0.001}
    assert CHECKS[identity](SABOTEURS[identity]) == pytest.approx(expected[identity], abs=1e-9)


def test_noise_is_measured_against_what_was_summed() -> None:
    assert is_noise(1e-7, 1e3)
    assert not is_noise(1e-7, 1.0)
    assert is_noise(-5e-13, 1e-3)
    assert not is_noise(5e-10, 1e-3)
    assert is_noise(0.0, 0.0)
    assert not is_noise(5e-10, 0.0)
