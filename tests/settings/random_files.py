"""Settings files that nobody sensible wrote, and a judge of what became of them."""

import math
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from shared.errors import FlotillaError
from shared.settings import Settings, load_settings
from tests.settings.documented import documented, documented_ranges
from worker.build import candles_name
from worker.fleet.plan import check_bounds, make_rules, open_fleet, plan_fleet, planned_bots
from worker.process.host import process_files

NAMES = tuple(name.replace("NAME", "breakout") for name in documented())
RANGES = documented_ranges()
NUMBERS = (
    "0",
    "-0.0",
    "1",
    "-1",
    "2",
    "1e300",
    "-1e300",
    "1e-320",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "0x7fffffffffffffff",
)
TEXTS = (
    *(
        "",
        " ",
        "x",
        "a/b",
        "../x",
        "a b",
        "~/x",
        "~nobody-of-this-name/x",
        "\\u0000",
        "a\\nb",
        "\\u202e",
        "0.5",
        "true",
    ),
    *("1h", "7m", "9999-12-30", "0001-01-01", "BTC/USDT", "btc", "EUR", "-1", "http://[", "http://127.0.0.1:99999"),
    *(
        "sqlite://state/x.db",
        "sqlite:///~/x.db",
        "sqlite:////",
        "sqlite:///a\\u0000",
        "postgresql://h:x/y",
        "x" * 3_000,
    ),
)
OTHERS = (
    *(
        "true",
        "false",
        "[]",
        "{}",
        "[[]]",
        "[[1]]",
        "[[20], [60]]",
        '["x"]',
        "[1, 2]",
        "{a = 1}",
        '{"a b" = 1}',
        "[[true]]",
    ),
    *("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "[[0.02, 0.5], [0.01, 0.5]]", "[[nan]]", "[[1e300]]", '[""]'),
    *("9" * 400, "9" * 5_000, "[" * 20 + "]" * 20, "[" * 5_000 + "]" * 5_000, "?", "'", '"'),
)
KEYS = (
    "",
    "x",
    '"a\\nb"',
    "risk.stpo",
    "a.b.c.d.e",
    "strategies.x",
    'strategies."a/b".grid',
    "risk.stop.x",
    '"\\u0000"',
)


# What may be written into files, tables, pages and addresses, said once more in a form of its own.
ANY_FORM = r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e]{1,1024}"
FORMS = {
    "portfolio.name": "[a-z0-9_]{1,64}",
    "portfolio.quote": "[A-Z0-9]{1,10}",
    "strategies.NAME.account": "[a-z0-9_]{1,64}",
    "market.start": "(19[789].|20..|2100-01-01).{0,40}",
    "market.exchange": "[A-Za-z0-9_]{1,64}",
    "accounts.NAME.exchange": "[A-Za-z0-9_]{1,64}",
    "database.url": "sqlite(:|[+].*:)///.*[^/]|postgresql.*",
}


def random_values(draw: random.Random, name: str | None = None) -> dict[str, str]:
    """Give the setting of that name, mostly alone, sensible or not, as TOML writes it."""
    names = [name or draw.choice(NAMES), *draw.sample(NAMES, draw.choice((0, 0, 0, 0, 0, 1, 3)))]
    if draw.random() < 0.1:
        names.append(draw.choice((*KEYS, "risk", "market", "strategies", "database", "profile")))
    return {name: _value(draw, name) for name in names}


def _value(draw: random.Random, name: str) -> str:
    bounds = RANGES.get(name.replace("breakout", "NAME"))
    if bounds is not None and draw.random() < 0.6:
        return _number(draw, bounds.lowest, bounds.highest)
    texts = tuple(f'"{text}"' for text in TEXTS)
    default = documented().get(name, ("not set", ""))[0]
    if default.startswith("`") and draw.random() < 0.2:
        return default.strip("`")
    return draw.choice(draw.choice((NUMBERS, OTHERS, texts, texts)))


def _number(draw: random.Random, lowest: float, highest: float) -> str:
    """Give a number within, at a bound, or next to it; whole ones as often as not."""
    within = math.exp(draw.uniform(math.log(max(lowest, 1e-6)), math.log(highest)))
    beyond = (math.nextafter(lowest, -math.inf), math.nextafter(highest, math.inf), lowest - 1, 10 * highest)
    value = draw.choice((within, within, min(draw.uniform(lowest, highest), 3.0), lowest, highest, *beyond))
    return str(round(value)) if draw.random() < 0.5 else repr(float(value))


def as_file(values: dict[str, str]) -> bytes:
    """Write settings down, a dotted name to a line."""
    return "".join(f"{name} = {value}\n" for name, value in values.items()).encode()


def spoilt(draw: random.Random, content: bytes) -> bytes:
    """Give a file some of which got lost, was added, or is in another encoding."""
    at = draw.randrange(len(content) + 1)
    return draw.choice(
        (
            content[:at],
            content[:at] + draw.randbytes(3) + content[at:],
            b"\xef\xbb\xbf" + content,
            content.decode().encode("utf-16"),
            content + b"# caf\xe9\n",
            content[:at] + b"\0" + content[at:],
        )
    )


def random_file(draw: random.Random, name: str | None = None, below: dict[str, str] | None = None) -> bytes:
    """Give a settings file about a setting; what is drawn stands above the settings `below`."""
    content = as_file({**(below or {}), **random_values(draw, name)})
    return spoilt(draw, content) if draw.random() < 0.1 else content


def random_files(seed: int, count: int) -> Iterator[bytes]:
    """Give so many files, about each setting in turn."""
    draw = random.Random(seed)
    return (random_file(draw, NAMES[at % len(NAMES)]) for at in range(count))


def verdicts(files: Iterable[bytes], folder: Path) -> Iterator[tuple[bool, str | None]]:
    """Read files; say of each whether it was taken, and what it did that no file may."""
    file = folder / "flotilla.toml"
    for content in files:
        file.write_bytes(content)
        try:
            settings = load_settings(file, {})
        except Exception as error:  # noqa: BLE001 - what else comes is what is looked for
            is_taken, fault = False, fault_of_refusal(error)
        else:
            is_taken, fault = True, fault_of_settings(settings, folder)
        yield is_taken, None if fault is None else f"{fault}: {content[:300]!r}"


def fault_of_refusal(error: Exception) -> str | None:
    """Say what is wrong with a refusal: it must be one short line, and the exit code 78."""
    if not isinstance(error, FlotillaError) or error.exit_code != 78:
        return f"{type(error).__name__} {error}"
    sentence = str(error)
    named = sentence.startswith(("setting ", "settings file ", "profile must", "strategies", "portfolio.", "risk."))
    if not named or not sentence.isprintable() or len(sentence) > 1_000:
        return f"no sentence {sentence[:200]!r}"
    return None


def fault_of_settings(settings: Settings, folder: Path) -> str | None:
    """Say what is wrong with settings that were taken: a value out of its documented bounds, a fleet no one can run."""
    for name, value in _flat(settings.model_dump(mode="json")):
        bounds = RANGES.get(name)
        if isinstance(value, int | float) and not _fits(bounds, value):
            return f"{name} was taken with {value}"
        if isinstance(value, str) and not re.fullmatch(FORMS.get(name, ANY_FORM), value):
            return f"{name} was taken with {value[:80]!r}"
    return _fault_of_fleet(settings, folder)


def _fits(bounds: Any, value: float) -> bool:
    return bounds.holds(value) if bounds is not None else abs(value) <= 1e9


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, f"{name}[]")
    else:
        parts = name.split(".")
        is_named = parts[0] in ("strategies", "accounts") and len(parts) > 2
        yield (f"{parts[0]}.NAME.{parts[2]}" if is_named else name), value


def _fault_of_fleet(settings: Settings, folder: Path) -> str | None:
    """What the worker makes of settings before it opens the books; a parameter set that cannot run is refused here."""
    try:
        process_files(folder, settings.database.url, settings.portfolio.name)
        plan = plan_fleet(planned_bots(settings))
        check_bounds(settings, plan)
        make_rules(settings)
        open_fleet(settings, plan, {})
        candles_name(settings)
        settings.digest()
    except Exception as error:  # noqa: BLE001 - what else comes is what is looked for
        if isinstance(error, FlotillaError) and error.exit_code == 78:
            return None
        return f"{type(error).__name__} {error}"
    return None
