"""whole units: quantities are counted, in each asset's smallest unit; bots without money; which stop set a level."""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from shared.migrations.old_quantities import count_all

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNT, WORD = sa.BigInteger(), sa.Text()
NUMBER: sa.types.TypeEngine = sa.Double()
# Base quantities that become counts, and counts that stand beside the base quantity.
BOT_COUNTS = {
    "opened_quantity": "opened_units",
    "target_quantity": "target_units",
    "order_quantity": "order_units",
    "order_crossed": "crossed_units",
}
SIZES = {"quantity_step": "step_units", "min_quantity": "min_units", "order_quantity": "order_units"}
COUNTED: dict[str, dict[str, sa.types.TypeEngine]] = {
    "portfolio_state": {"level_bankrupt": WORD},
    "sleeve_state": {"level_bankrupt": WORD},
    "bot_state": {
        "level_bankrupt": WORD,
        "units": COUNT,
        **dict.fromkeys(BOT_COUNTS.values(), COUNT),
        "is_trailed": COUNT,
        "unconfirmed": COUNT,
    },
    "lot": {"units": COUNT},
    "fill": {"units": COUNT, "crossed_units": COUNT},
    "order": {"units": COUNT, "filled_units": COUNT},
    "market_state": {
        "coins_per_unit": NUMBER,
        "units_per_coin": NUMBER,
        **dict.fromkeys(SIZES.values(), COUNT),
    },
}
DIRECTION = "CASE WHEN quantity > 0 THEN 1 ELSE -1 END"
PLAIN_STOP = f"entry_price * (1 - {DIRECTION} * stop_fraction)"
# The nearer of both rules, so a level beyond the plain stop is the trailing one's.
IS_TRAILED = f"""CASE WHEN exit_level > 0 AND quantity != 0
                      AND (stop_fraction = 0 OR {DIRECTION} * (exit_level - {PLAIN_STOP}) > 0) THEN 1 ELSE 0 END"""


def upgrade() -> None:
    for table, columns in COUNTED.items():
        with op.batch_alter_table(table) as batch:
            for column, kind in columns.items():
                batch.add_column(sa.Column(column, kind, nullable=True))
    for table in ("portfolio_state", "sleeve_state", "bot_state"):
        op.execute(f"UPDATE {table} SET level_bankrupt = 'RUNNING'")
    is_counting = "CASE WHEN streak_bars > 0 THEN 1 ELSE 0 END"
    op.execute(f"UPDATE bot_state SET is_trailed = {IS_TRAILED}, unconfirmed = {is_counting}")
    count_all(op.get_bind())
    for table, columns in COUNTED.items():
        with op.batch_alter_table(table) as batch:
            for column, kind in columns.items():
                batch.alter_column(column, existing_type=kind, nullable=False)
    _drop("bot_state", BOT_COUNTS)
    _drop("market_state", SIZES)


def downgrade() -> None:
    in_coins = "(SELECT m.coins_per_unit / m.units_per_coin FROM market_state m JOIN bot b ON b.symbol = m.symbol "
    in_coins += "JOIN sleeve s ON s.id = b.sleeve_id AND s.account = m.account WHERE b.id = bot_state.bot_id "
    in_coins += "AND m.portfolio_id = b.portfolio_id)"
    _restore("bot_state", {quantity: f"{units} * {in_coins}" for quantity, units in BOT_COUNTS.items()})
    _restore("market_state", {size: f"{units} * coins_per_unit / units_per_coin" for size, units in SIZES.items()})
    for table, columns in COUNTED.items():
        _drop(table, columns)


def _restore(table: str, columns: dict[str, str]) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.add_column(sa.Column(column, NUMBER, nullable=True))
    values = ", ".join(f"{column} = {value}" for column, value in columns.items())
    op.execute(f"UPDATE {table} SET {values}")
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.alter_column(column, existing_type=NUMBER, nullable=False)


def _drop(table: str, columns: Iterable[str]) -> None:
    with op.batch_alter_table(table) as batch:
        for column in columns:
            batch.drop_column(column)
