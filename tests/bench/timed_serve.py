"""The page's own server, which also writes down how long each of its queries took: `python -m tests.bench.timed_serve`.

A line of JSON per query that was run and not taken from the cache goes to the file named by `QUERY_TIMES`.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

QUERY_TIMES = "QUERY_TIMES"


def main() -> int:
    """Serve the project of the current folder."""
    from dashboard.serving import serve

    _time_queries(Path(os.environ.pop(QUERY_TIMES)))
    return serve.main()


def _time_queries(file: Path) -> None:
    from dashboard import loaders

    run, lock = loaders._run, threading.Lock()

    def timed(query: loaders.Query) -> loaders.Query:
        inner = run(query)

        def answer(*arguments: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*arguments)
            finally:
                row = {"query": query.__name__, "seconds": time.perf_counter() - began}
                with lock, file.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")

        return answer

    loaders._run = timed


if __name__ == "__main__":
    sys.exit(main())
