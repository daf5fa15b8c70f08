"""Client order ids: an order is named by what it is for, so that a restart names the same order the same way.

`w`, four characters of the installation, thirteen of a hash: 18 of `[a-z2-7]`, which suits every exchange that was
looked at. Only ids with our own four characters are ours: two Flotillas on one account leave each other's orders alone.
"""

import base64
import hashlib

from shared.enums import Purpose

OWN_CHARACTERS = 4
HASH_CHARACTERS = 13


def client_order_id(
    installation: str,
    portfolio: str,
    account: str,
    symbol: str,
    step: int,
    bar_ms: int,
    purpose: Purpose,
    bot: str = "",
    leg: int = 0,
    attempt: int = 0,
) -> str:
    """Name an order; `step` and `bar_ms`, a close, say when it was decided; `bot` is empty where it nets several.

    `leg` tells orders of one purpose and bar apart; `attempt` grows only once the one before is proved absent.
    """
    return _name(installation, portfolio, account, symbol, step, bar_ms, purpose.name, bot, leg, attempt)


def next_order_id(installation: str, client_order_id: str, attempt: int) -> str:
    """Name the order that goes on with what another left."""
    return _name(installation, client_order_id, attempt)


def _name(installation: str, *parts: object) -> str:
    digest = hashlib.sha256("|".join(str(part) for part in (installation, *parts)).encode()).digest()
    return own_prefix(installation) + base64.b32encode(digest).decode().lower()[:HASH_CHARACTERS]


def own_prefix(installation: str) -> str:
    """Give what all ids of an installation begin with."""
    return "w" + installation[:OWN_CHARACTERS]


def is_ours(client_order_id: str, installation: str) -> bool:
    """Say whether an order found on an exchange was sent by this installation."""
    return client_order_id.startswith(own_prefix(installation)) and len(client_order_id) == (
        1 + OWN_CHARACTERS + HASH_CHARACTERS
    )
