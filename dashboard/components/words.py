"""Numbers, times and stored text as people read them."""

import re

from dashboard.components.zone import zone
from shared.money import UNKNOWN, is_known
from shared.units import format_duration, format_time
from shared.words import many as many
from shared.words import words as words

# Everything CommonMark or Streamlit gives a meaning to.
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:@&^=\"'])")

# What becomes a link, an icon or a smiley although nothing marks it: an invisible word joiner after it prevents that.
_LINKS = re.compile(r":(?=[a-z/])|www(?=\.)|\w(?=@)", re.IGNORECASE)


def plain(text: object) -> str:
    """Write stored text so that markdown shows it as it is: no link, image, icon or colour comes of it."""
    return _MARKUP.sub(r"\\\1", _LINKS.sub("\\g<0>\u2060", " ".join(str(text).split())))


def plain_badge(text: object) -> str:
    """Write stored text for a badge, which makes brackets plain by itself."""
    return plain(text).replace(r"\[", "[").replace(r"\]", "]")


def percent(fraction: float | None, digits: int = 2) -> str:
    """Write a fraction in percent."""
    return f"{fraction:z.{digits}%}" if is_known(fraction) else UNKNOWN


def signed_percent(fraction: float | None, digits: int = 2) -> str:
    """Write a fraction in percent with its sign: that of a loss too small to be written, too."""
    return f"{fraction + 0.0:+.{digits}%}" if is_known(fraction) else UNKNOWN


def basis_points(fraction: float | None) -> str:
    """Write a fraction in hundredths of a percent, with its sign."""
    return f"{fraction * 1e4:+z.1f} bp" if is_known(fraction) else UNKNOWN


def ratio(value: float | None) -> str:
    """Write a ratio to two places."""
    return f"{value:.2f}" if is_known(value) else UNKNOWN


def duration(duration_ms: float | None) -> str:
    """Write how long something took, to two figures: `3.2 s`, `41 min`, `6.5 h`, `3.1 days`."""
    return format_duration(duration_ms) if is_known(duration_ms) else UNKNOWN


def days_of_risk(days: int) -> str:
    """Say what a value at risk at 99% is among so many days: of a hundred or fewer, a matter of the worst."""
    if days > 101:
        return f"99% of {days:,} days lost less"
    return f"between the two worst of {days:,} days" if days > 1 else "of a single day"


def when(time_ms: float | None) -> str:
    """Write a time in the zone of the switch, or a dash."""
    return format_time(int(time_ms), zone()) if is_known(time_ms) and time_ms else UNKNOWN
