"""The alarm that rings shortly after each bar close of a market that runs on the wall clock."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

PROBLEMS = {
    EVENT_JOB_MISSED: "missed",
    EVENT_JOB_ERROR: "failed",
    EVENT_JOB_MAX_INSTANCES: "found the one before still running",
}


class BarAlarm:
    """Ring `after_seconds` after each close of bars of `bar_ms`; the ringing only wakes the loop that decides.

    Late rings (a suspended machine) are made up for by one ring however many were missed: the loop catches up from its
    books, so one is enough. `note` is told of a ring that failed.
    """

    def __init__(
        self, bar_ms: int, after_seconds: float, ring: Callable[[], None], note: Callable[[str], None]
    ) -> None:
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._note = note
        self._scheduler = BackgroundScheduler(timezone=UTC, daemon=True)
        # Timeframes divide a day, so intervals counted from the epoch fall on the bar grid.
        grid_start = datetime.fromtimestamp(0, UTC) + timedelta(seconds=after_seconds)
        trigger = IntervalTrigger(seconds=bar_ms / 1000, start_date=grid_start, timezone=UTC)
        self._scheduler.add_job(ring, trigger, coalesce=True, max_instances=1, misfire_grace_time=None)
        self._scheduler.add_listener(self._report, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=False)

    def _report(self, event: JobEvent) -> None:
        cause = getattr(event, "exception", None)
        self._note(f"the bar alarm {PROBLEMS[event.code]}{f': {cause!r}' if cause else ''}")
