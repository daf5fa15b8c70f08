"""What a step has to tell of a scope: a row in the journal of notices."""

from worker.jit import rule

PORTFOLIO = 0
SLEEVE = 1
BOT = 2


@rule
def notice(fleet, scope_kind: int, scope: int, cause: int, kind: int, value: float, limit: float, time_ms: int) -> None:
    """Note that a cause warned, tripped or was released; `scope` is the index of a sleeve or bot."""
    row = fleet.notices[fleet.journal.notices]
    fleet.journal.notices += 1
    row.time_ms = time_ms
    row.scope_kind = scope_kind
    row.scope = scope
    row.cause = cause
    row.kind = kind
    row.value = value
    row.limit = limit
