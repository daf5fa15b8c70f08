"""Texts of an exchange or its client made fit to be seen: no key, no signature, no query of an address."""

import re
from collections.abc import Collection

LONGEST = 240
_QUERY = re.compile(r"(https?://[^\s?]+)\?\S*")
_SIGNED = re.compile(
    r"""(?i)\b((?:[\w-]*-)?(?:signature|sign|api-?_?key|passphrase|authorization)["']?\s*[=:]\s*["']?)[^\s"',&})]+"""
)


def clean(text: str, secrets: Collection[str]) -> str:
    """Give a text in one line without what is secret in it, its end left out where it is long."""
    # The query first: a short secret taken out of its names would hide what to look for.
    text = _QUERY.sub(r"\1", text)
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    text = _SIGNED.sub(r"\1…", text)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
