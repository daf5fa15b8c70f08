"""How things look on a terminal: results on standard output, all else on standard error."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from shared.errors import ConfigurationError
from shared.money import UNKNOWN
from shared.printable import lines, one_line
from shared.private_files import make_folders
from shared.units import DAY_MS


class HarmlessConsole(Console):
    """A console on which no text it shows commands the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Render as rich does, with the control characters of texts written out."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=lines(segment.text))


def say(sentence: str) -> None:
    """Tell a person something that is no result."""
    sys.stderr.write(f"{lines(sentence)}\n")
    sys.stderr.flush()


def print_line(sentence: str) -> None:
    """Print a result that is one line."""
    typer.echo(one_line(sentence))


def result_console() -> Console:
    """Give the console results are printed on; wide where its output goes to a file."""
    console = HarmlessConsole(highlight=False)
    return console if console.is_terminal else HarmlessConsole(highlight=False, width=160)


def json_text(value: Any) -> str:
    """Write JSON; a NaN that was left in is an error, for it is none."""
    return json.dumps(value, indent=2, allow_nan=False)


def print_json(value: Any) -> None:
    """Print JSON alone on standard output."""
    sys.stdout.write(json_text(value) + "\n")


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while something long runs, on a terminal only; call what is given with done and total."""
    if not sys.stderr.isatty():
        yield _no_progress
        return
    from rich.progress import Progress

    progress = Progress(console=Console(stderr=True), transient=True)
    task = progress.add_task(title, total=None)

    def show(done: int, total: int) -> None:
        # Not before: what comes first may show progress of its own.
        progress.start()
        progress.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        progress.stop()


def _no_progress(done: int, total: int) -> None:
    pass


def prepared_folder(folder: Path) -> Path:
    """Make a folder for results and prove it can be written, before anything long begins."""
    try:
        make_folders(folder)
        probe = folder / ".flotilla"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"folder {folder} must be one that can be written: {reason}") from error
    return folder


def percent(fraction: float, digits: int = 2) -> str:
    """Write a fraction in percent."""
    return f"{fraction:z.{digits}%}" if math.isfinite(fraction) else UNKNOWN


def signed_percent(fraction: float, digits: int = 2) -> str:
    """Write a fraction in percent with its sign: that of a loss too small to be written, too."""
    return f"{fraction + 0.0:+.{digits}%}" if math.isfinite(fraction) else UNKNOWN


def number(value: float, digits: int = 2) -> str:
    """Write a number with thousands set apart."""
    return f"{value:,.{digits}f}" if math.isfinite(value) else UNKNOWN


def days(duration_ms: float) -> str:
    """Write a duration in days."""
    return f"{duration_ms / DAY_MS:,.1f} days" if math.isfinite(duration_ms) else UNKNOWN
