"""How far the worker is with bars that closed before it could step them: a history, or a time it did not run."""

# The bar that has just closed is the present.
PRESENT_BARS = 1


class CatchUp:
    """Counts, after each step, the closed bars that are left, and all there were since it began to catch up."""

    def __init__(self) -> None:
        self._begun_ms: int | None = None

    def after_step(self, market_ms: int, close_ms: int, step_ms: int) -> tuple[int, int]:
        """Give bars left and bars in all, both 0 where the books are up to date.

        `close_ms` is the close of the bar just stepped; bars that close meanwhile are among both.
        """
        left = (market_ms - close_ms) // step_ms
        if left <= PRESENT_BARS:
            self._begun_ms = None
            return 0, 0
        if self._begun_ms is None:
            self._begun_ms = close_ms - step_ms
        return left, left + (close_ms - self._begun_ms) // step_ms
