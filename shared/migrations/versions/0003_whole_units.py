"""whole units: quantities are counted, in each asset's smallest unit; bots without money; which stop set a level."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Base quantities that become counts, and counts that stand beside the base quantity.
BOT_COUNTS = {
    "opened_quantity": "opened_units",
    "target_quantity": "target_units",
    "order_quantity": "order_units",
    "order_crossed": "crossed_units",
}
COUNTED = {
    "bot_state": {"quantity": "units"},
    "lot": {"quantity": "units"},
    "fill": {"quantity": "units", "crossed": "crossed_units"},
    "order": {"quantity": "units", "filled_quantity": "filled_units"},
}
# What books counted in until now; a step finer than that was not to be had from any market.
UNITS_PER_COIN = "1e8"


def upgrade() -> None:
    bankrupt = {"level_bankrupt": (sa.Text(), "'RUNNING'")}
    for table in ("portfolio_state", "sleeve_state"):
        _add(table, bankrupt)
    for table, columns in COUNTED.items():
        _add(table, {units: (sa.BigInteger(), _count(quantity)) for quantity, units in columns.items()})
    counts = {units: (sa.BigInteger(), _count(quantity)) for quantity, units in BOT_COUNTS.items()}
    # Of a position that is open nobody kept which stop set its level; the next bar that moves it says.
    flags = {
        "is_trailed": (sa.BigInteger(), "0"),
        "unconfirmed": (sa.BigInteger(), "CASE WHEN streak_bars > 0 THEN 1 ELSE 0 END"),
    }
    _add("bot_state", {**bankrupt, **counts, **flags})
    _add(
        "market_state",
        {
            "coins_per_unit": (sa.Double(), "1.0"),
            "units_per_coin": (sa.Double(), UNITS_PER_COIN),
            "step_units": (sa.BigInteger(), _at_least_one("quantity_step")),
            "min_units": (sa.BigInteger(), _at_least_one("min_quantity")),
            "order_units": (sa.BigInteger(), _count("order_quantity")),
        },
    )
    _drop("bot_state", BOT_COUNTS)
    _drop("market_state", ("quantity_step", "min_quantity", "order_quantity"))
    # What is held is the base quantity of a whole count from now on.
    for table in ("bot_state", "lot"):
        op.execute(f"UPDATE {table} SET quantity = units / {UNITS_PER_COIN}")


def downgrade() -> None:
    coins = f"/ {UNITS_PER_COIN}"
    _add("bot_state", {quantity: (sa.Double(), f"{units} {coins}") for quantity, units in BOT_COUNTS.items()})
    sizes = {"quantity_step": "step_units", "min_quantity": "min_units", "order_quantity": "order_units"}
    in_coins = "* coins_per_unit / units_per_coin"
    _add("market_state", {quantity: (sa.Double(), f"{units} {in_coins}") for quantity, units in sizes.items()})
    for table, columns in COUNTED.items():
        _drop(table, columns.values())
    _drop("bot_state", (*BOT_COUNTS.values(), "level_bankrupt", "is_trailed", "unconfirmed"))
    _drop("market_state", ("coins_per_unit", "units_per_coin", "step_units", "min_units", "order_units"))
    for table in ("portfolio_state", "sleeve_state"):
        _drop(table, ("level_bankrupt",))


def _count(quantity: str) -> str:
    return f"CAST(ROUND({quantity} * {UNITS_PER_COIN}) AS BIGINT)"


def _at_least_one(quantity: str) -> str:
    return f"CASE WHEN {quantity} * {UNITS_PER_COIN} < 1 THEN 1 ELSE {_count(quantity)} END"


def _add(table: str, columns: Mapping[str, tuple[sa.types.TypeEngine[Any], str]]) -> None:
    """Add columns that must have a value, and give it to the rows there are: a kind and an expression by name."""
    with op.batch_alter_table(table) as batch:
        for column, (kind, _) in columns.items():
            batch.add_column(sa.Column(column, kind, nullable=True))
    values = ", ".join(f"{column} = {value}" for column, (_, value) in columns.items())
    op.execute(f'UPDATE "{table}" SET {values}')
    with op.batch_alter_table(table) as batch:
        for column, (kind, _) in columns.items():
            batch.alter_column(column, existing_type=kind, nullable=False)


def _drop(table: str, columns: Iterable[str]) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.drop_column(column)
