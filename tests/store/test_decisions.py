"""Decisions run-length: stretches unrolled are the decisions of every step."""

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, union_all

from shared.database import transaction
from shared.enums import Reason
from shared.tables import Decision, OpenDecision, ReasonTotal
from shared.units import HOUR_MS
from tests.store.fleets import START_MS, open_books
from worker.step.records import Bot
from worker.store.decisions import save_decisions

NAN = float("nan")


def stretches(connection, bot_id: int) -> list:
    parts = []
    for model in (Decision, OpenDecision):
        columns = model.__table__.c
        parts.append(select(*(columns[name] for name in Decision.model_fields)).where(columns.bot_id == bot_id))
    rows = connection.execute(union_all(*parts)).all()
    return sorted(rows, key=lambda row: row.from_step)


def totals(connection, bot_id: int) -> dict[str, tuple[int, int]]:
    """Give steps and steps with an order by reason, of the finished stretches: as kept, once they are as counted."""
    own, ended = ReasonTotal.__table__.c, Decision.__table__.c
    kept = select(own.reason, own.steps, own.ordered).where(own.bot_id == bot_id)
    steps = func.sum(ended.to_step - ended.from_step + 1)
    counted = select(ended.reason, steps, func.sum(ended.ordered)).where(ended.bot_id == bot_id).group_by(ended.reason)
    found, wanted = ({row[0]: tuple(map(int, row[1:])) for row in connection.execute(s)} for s in (kept, counted))
    assert found == wanted
    return found


def unrolled(rows: list) -> list[tuple]:
    return [
        (step, row.low, row.high, row.confirmed, row.reason)
        for row in rows
        for step in range(row.from_step, row.to_step + 1)
    ]


def decide(connection, fleet, bot: Bot, step: int) -> None:
    save_decisions(connection, 1, [fleet.bots[0].id], [bot], step, START_MS + step * HOUR_MS)


def test_equal_decisions_are_one_stretch_with_its_first_and_last_measure(engine: Engine) -> None:
    with transaction(engine) as connection:
        fleet = open_books(connection).fleet
        for step, (reason, value, ordered) in enumerate(
            [(Reason.HOLD, 1.0, 0), (Reason.HOLD, 2.0, 0), (Reason.HOLD, 3.0, 0), (Reason.TRADE, 4.0, 1)], start=1
        ):
            bot = Bot(low=0.0, high=1.0, reason=reason.value, reason_value=value, reason_limit=9.0, ordered=ordered)
            decide(connection, fleet, bot, step)
        held, traded = stretches(connection, fleet.bots[0].id)
        assert totals(connection, fleet.bots[0].id) == {"HOLD": (3, 0)}
        decide(connection, fleet, Bot(low=0.0, high=1.0, reason=Reason.HOLD.value), 5)
        decide(connection, fleet, Bot(low=0.0, high=2.0, reason=Reason.HOLD.value), 6)
        assert totals(connection, fleet.bots[0].id) == {"HOLD": (4, 0), "TRADE": (1, 1)}
    assert (held.from_step, held.to_step, held.reason, held.ordered) == (1, 3, "HOLD", 0)
    assert (held.first_value, held.first_limit, held.last_value, held.last_limit) == (1.0, 9.0, 3.0, 9.0)
    assert (held.from_ms, held.to_ms) == (START_MS + HOUR_MS, START_MS + 3 * HOUR_MS)
    assert (traded.from_step, traded.to_step, traded.ordered) == (4, 4, 1)


def test_a_warm_up_without_a_band_is_one_stretch(engine: Engine) -> None:
    with transaction(engine) as connection:
        fleet = open_books(connection).fleet
        for step in (1, 2, 3):
            decide(connection, fleet, Bot(), step)
        (row,) = stretches(connection, fleet.bots[0].id)
    assert (row.low, row.high, row.reason, row.to_step) == (None, None, "WARMUP", 3)


def test_steps_that_a_bot_was_away_end_its_stretch(engine: Engine) -> None:
    with transaction(engine) as connection:
        fleet = open_books(connection).fleet
        for step in (1, 2, 7):
            decide(connection, fleet, Bot(), step)
        assert [(row.from_step, row.to_step) for row in stretches(connection, fleet.bots[0].id)] == [(1, 2), (7, 7)]


DECISIONS = st.lists(
    st.builds(
        Bot,
        low=st.sampled_from([NAN, -1.0, 0.0]),
        high=st.sampled_from([NAN, 1.0]),
        confirmed=st.sampled_from([0.0, 1.0]),
        reason=st.sampled_from([Reason.HOLD.value, Reason.COST.value]),
        reason_value=st.floats(allow_nan=True, allow_infinity=False),
    ),
    min_size=1,
    max_size=20,
)


@given(decisions=DECISIONS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_stretches_unrolled_are_the_decisions_of_every_step(sqlite_engine: Engine, decisions: list[Bot]) -> None:
    with sqlite_engine.connect() as connection, connection.begin() as transaction_:
        fleet = open_books(connection, symbols=1, sets=1).fleet
        for step, bot in enumerate(decisions, start=1):
            decide(connection, fleet, bot, step)
        rows = stretches(connection, fleet.bots[0].id)
        assert sum(steps for steps, _ in totals(connection, fleet.bots[0].id).values()) == rows[-1].from_step - 1
        transaction_.rollback()

    def known(value: float) -> float | None:
        return None if value != value else value

    assert unrolled(rows) == [
        (step, known(bot.low), known(bot.high), bot.confirmed, Reason(bot.reason).name)
        for step, bot in enumerate(decisions, start=1)
    ]
    for before, after in pairwise(rows):
        assert before[5:9] != after[5:9], "two stretches that are one"
