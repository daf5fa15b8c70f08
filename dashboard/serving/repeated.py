"""What libraries log of requests is told once in some minutes, and then how often: whoever likes may cause it.

A request that makes no sense is a line of uvicorn's, one that fails a traceback. `logs/dashboard.log` is rolled, so
that without this such lines could push all others out.
"""

import logging

from dashboard.gate.counting import Counting
from shared.clock import Clock

LOG = logging.getLogger(__name__)
# With all below them.
LIBRARIES = frozenset({"asyncio", "h11", "uvicorn", "websockets"})
MOST_KEYS = 50
LONGEST = 200


def bound_libraries(clock: Clock) -> None:
    """Let all that libraries log go through the handlers of the root, and there through one `Repeated`.

    Streamlit, when its options are set, gives their loggers handlers of its own and lets them say more; so this comes
    after.
    """
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if name.partition(".")[0] in LIBRARIES and isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.NOTSET)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    repeated = Repeated(clock)
    for handler in logging.getLogger().handlers:
        handler.addFilter(repeated)


class Repeated(logging.Filter):
    """Lets the first of each message of a library through, and counts the others.

    Messages are told apart by their words before anything is put into them, and by where they failed.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._counting: Counting[tuple[str, str]] = Counting(clock, MOST_KEYS)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written; how often others were is logged before it, once their time is over."""
        self._tell()
        if record.name.partition(".")[0] not in LIBRARIES:
            return True
        return self._counting.is_first((record.name, f"{str(record.msg)[:LONGEST].strip()}{_failed_at(record)}"))

    def _tell(self) -> None:
        ended = self._counting.ended()
        if ended is None:
            return
        for (name, message), tally in ended.again.items():
            LOG.warning("%s said %d times more: %s", name, tally.count, message)
        if ended.rest.count:
            LOG.warning("libraries said %d other things", ended.rest.count)


def _failed_at(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    kind, _, trace = record.exc_info
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""
    return f": {kind.__name__}{place}"
