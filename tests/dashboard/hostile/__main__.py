"""Try every door of a page that runs, and say which are open: exit code 1 where one is.

    python -m tests.dashboard.hostile http://127.0.0.1:8501 [--viewer NAME]

The viewer's password is read from standard input. Do this to a page of your own alone: it is slow for a while, and the
record of sign-ins holds it.
"""

import argparse
import sys
from urllib.parse import urlsplit

from tests.dashboard.hostile.attempts import ANYBODY, COOKIE, VIEWER, is_alive, raise_open_files
from tests.dashboard.hostile.wire import Page


def main() -> int:
    """Try, and print a line for each attempt and for each door that was open."""
    parser = argparse.ArgumentParser(prog="python -m tests.dashboard.hostile")
    parser.add_argument("url")
    parser.add_argument("--viewer")
    asked = parser.parse_args()
    place = urlsplit(asked.url)
    page = Page(place.hostname or "127.0.0.1", place.port or 80)
    if asked.viewer:
        page.name, page.password = asked.viewer, sys.stdin.readline().rstrip("\n")
        page.viewer = page.sign_in().cookie(COOKIE)
        if not page.viewer:
            sys.stderr.write("the viewer could not sign in\n")
            return 64
    raise_open_files()
    failed = 0
    for attempt in (*ANYBODY, *(VIEWER if page.viewer else ())):
        got = list(attempt(page))
        failed += bool(got)
        sys.stdout.write(f"{'OPEN' if got else 'held'}  {attempt.__doc__.strip().splitlines()[0]}\n")
        sys.stdout.writelines(f"      {sentence}\n" for sentence in got)
    if not is_alive(page):
        failed += 1
        sys.stdout.write("OPEN  the page does not answer any more\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
