"""What a database and a process do at a moment that is named: fail, fill up, fall asleep."""

from collections.abc import Callable

from tests.simulation.adversity import Trial


def is_mark(statement: str) -> bool:
    """Say whether a statement marks an order SUBMITTED."""
    return statement.startswith('UPDATE "order" SET') and "sent_ms=" in statement and "done_ms" not in statement


class Away:
    """A database that fails from a statement on, for some minutes."""

    def __init__(self, trial: Trial, begins: Callable[[str], bool], minutes: float) -> None:
        self._trial, self._begins, self._minutes = trial, begins, minutes
        self._until: float | None = None

    def __call__(self, statement: str) -> bool:
        if self._until is None and self._begins(statement):
            self._until = self._trial.minutes() + self._minutes
        return self._until is not None and self._trial.minutes() < self._until


class FullAt(Away):
    """A disk that is full from the n-th commit on of the step at minute 15; with 0 never, and only counts them."""

    def __init__(self, trial: Trial, number: int, minutes: float) -> None:
        super().__init__(trial, lambda statement: self._count(statement) == number, minutes)
        self.seen = 0

    def _count(self, statement: str) -> int:
        if statement != "COMMIT" or not 15 <= self._trial.minutes() < 15.1:
            return -1
        self.seen += 1
        return self.seen


class Nap:
    """The process sleeps once, so many seconds, at the first occasion after a minute."""

    def __init__(self, trial: Trial, minutes: float, seconds: float) -> None:
        self._trial, self._minutes, self._seconds = trial, minutes, seconds
        self._is_marked = False

    def __call__(self) -> None:
        if self._seconds and self._trial.minutes() > self._minutes:
            seconds, self._seconds = self._seconds, 0.0
            self._trial.world.clock.sleep(seconds)

    def at_the_commit_of_a_mark(self, statement: str) -> bool:
        """Sleep, and let nothing fail."""
        self._is_marked |= is_mark(statement) and self._trial.minutes() > self._minutes
        if self._is_marked and statement == "COMMIT":
            self()
        return False
