"""without secrets: what was stored of database.url and market.endpoint loses passwords, and so does what was said.

Nothing brings a secret back: the way down leaves the rows as they are.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import sqlalchemy as sa
from alembic import op

from shared.secret_url import HIDDEN, secrets_of, shown_url, without_secrets
from shared.settings import digest_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# Texts in which an address or a password may stand, by table.
SENTENCES = {
    "event": ("message",),
    "command": ("reason", "answer"),
    "bot": ("note",),
    "bar_record": ("reason",),
    "order": ("reason",),
    "portfolio": ("market_label", "broker_label"),
    "research_run": ("title", "candles", "summary"),
}
# Shorter ones would be found in words that have nothing to do with them.
SHORTEST_SECRET = 6
_LOOKS_LIKE_ONE = "({0} LIKE '%://%' OR lower({0}) LIKE '%password%' OR lower({0}) LIKE '%passfile%')"


def upgrade() -> None:
    connection = op.get_bind()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # What is written over and what is dropped must not be left in the file's unused places.
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    secrets = sorted(_stored_secrets(connection), key=len, reverse=True)
    changed = {table for table in ("settings_version", "research_run") if _clean_settings(connection, table)}
    changed |= {table for table, columns in SENTENCES.items() if _clean_sentences(connection, table, columns, secrets)}
    _forget_candles(connection, secrets)
    for table in sorted(changed) if is_sqlite else ():
        # Earlier versions of a row may lie in its pages, too.
        with op.batch_alter_table(table, recreate="always"):
            pass


def downgrade() -> None:
    pass


def _clean_settings(connection: sa.Connection, table: str) -> int:
    """Write settings down without secrets, under the digest of what is left; give how many there were."""
    found = list(_unclean(connection, table))
    for row, clean in found:
        words = json.dumps(clean, ensure_ascii=False, separators=(",", ":"))
        digest = digest_of(clean)
        twin = _twin(connection, row, digest) if table == "settings_version" else None
        if twin is None:
            statement = f"UPDATE {table} SET settings = :settings, digest = :digest WHERE id = :id"
            connection.execute(sa.text(statement), {"settings": words, "digest": digest, "id": row["id"]})
        else:
            _merge(connection, row, twin)
    return len(found)


def _unclean(connection: sa.Connection, table: str) -> Iterator[tuple[sa.RowMapping, dict[str, Any]]]:
    for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY id")).mappings().all():
        values = _values(row["settings"])
        clean = _without(values)
        if clean != values:
            yield row, clean


def _values(words: str) -> dict[str, Any]:
    values = json.loads(words)
    return values if isinstance(values, dict) else {}


def _without(values: dict[str, Any]) -> dict[str, Any]:
    clean = dict(values)
    for section, name, shown in (("database", "url", shown_url), ("market", "endpoint", _shown_endpoint)):
        written = (values.get(section) or {}).get(name)
        if isinstance(written, str):
            clean[section] = {**values[section], name: shown(written)}
    return clean


def _shown_endpoint(written: str) -> str:
    parts = urlsplit(written)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _twin(connection: sa.Connection, row: sa.RowMapping, digest: str) -> sa.RowMapping | None:
    """Give the version that is the same one but for its secrets."""
    statement = "SELECT * FROM settings_version WHERE portfolio_id = :portfolio_id AND digest = :digest AND id <> :id"
    wanted = {"portfolio_id": row["portfolio_id"], "digest": digest, "id": row["id"]}
    return connection.execute(sa.text(statement), wanted).mappings().first()


def _merge(connection: sa.Connection, row: sa.RowMapping, twin: sa.RowMapping) -> None:
    statement = "UPDATE fill SET settings_version_id = :twin WHERE settings_version_id = :id"
    connection.execute(sa.text(statement), {"twin": twin["id"], "id": row["id"]})
    times = {"first": min(row["first_ms"], twin["first_ms"]), "last": max(row["last_ms"], twin["last_ms"])}
    statement = "UPDATE settings_version SET first_ms = :first, last_ms = :last WHERE id = :id"
    connection.execute(sa.text(statement), {**times, "id": twin["id"]})
    connection.execute(sa.text("DELETE FROM settings_version WHERE id = :id"), {"id": row["id"]})


def _stored_secrets(connection: sa.Connection) -> set[str]:
    found: set[str] = set()
    for table in ("settings_version", "research_run"):
        for words in connection.execute(sa.text(f"SELECT settings FROM {table}")).scalars():
            values = _values(words)
            found.update(secrets_of(str((values.get("database") or {}).get("url") or "")))
            who = urlsplit(str((values.get("market") or {}).get("endpoint") or "")).netloc.rpartition("@")[0]
            found.update((who, who.partition(":")[2]))
    return {secret for secret in found if len(secret) >= SHORTEST_SECRET}


def _clean_sentences(connection: sa.Connection, table: str, columns: tuple[str, ...], secrets: list[str]) -> int:
    return sum(_clean_column(connection, table, column, secrets) for column in columns)


def _clean_column(connection: sa.Connection, table: str, column: str, secrets: list[str]) -> int:
    changed = 0
    for secret in secrets:
        replaced = f"replace({column}, :secret, :hidden)"
        statement = f'UPDATE "{table}" SET {column} = {replaced} WHERE {column} <> {replaced}'
        changed += connection.execute(sa.text(statement), {"secret": secret, "hidden": HIDDEN}).rowcount
    looked = f'SELECT id, {column} FROM "{table}" WHERE {_LOOKS_LIKE_ONE.format(column)}'
    for row_id, said in connection.execute(sa.text(looked)).all():
        clean = without_secrets(said)
        if clean != said:
            statement = f'UPDATE "{table}" SET {column} = :said WHERE id = :id'
            changed += connection.execute(sa.text(statement), {"said": clean, "id": row_id}).rowcount
    return changed


def _forget_candles(connection: sa.Connection, secrets: list[str]) -> None:
    """Remove the candles kept under an address with a secret: such an address is refused now."""
    for secret in secrets:
        statement = "DELETE FROM candle WHERE market <> replace(market, :secret, '')"
        connection.execute(sa.text(statement), {"secret": secret})
