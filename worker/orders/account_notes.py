"""What is kept of the accounts while they trade: silences, the rate budget, and a person's word on the first orders."""

from collections.abc import Mapping

from sqlalchemy import Connection

from worker.orders.sending import Sender
from worker.store.accounts import note_account

# By as much two looks at the same silence may differ.
SILENCE_NEWS_MS = 500


class AccountNotes:
    """Keeps what a restart must know of the accounts, and what people look at."""

    def __init__(self, portfolio_id: int, senders: Mapping[str, Sender]) -> None:
        self._portfolio_id = portfolio_id
        self._senders = senders
        self._silent_ms: dict[str, int] = {}

    @property
    def is_told_to_wait(self) -> bool:
        """Say whether an exchange wants silence for longer than was kept."""
        return any(
            sender.client.budget.silent_until_ms - self._silent_ms.get(account, 0) > SILENCE_NEWS_MS
            for account, sender in self._senders.items()
        )

    def keep(self, connection: Connection) -> None:
        """Write what is known now."""
        for account, sender in self._senders.items():
            client, budget = sender.client, sender.client.budget
            self._silent_ms[account] = budget.silent_until_ms
            note_account(
                connection,
                self._portfolio_id,
                account,
                silent_until_ms=self._silent_ms[account],
                skew_ms=client.skew_ms(),
                used_weight=budget.used,
                weight_limit=budget.limit,
            )

    def confirm(self, connection: Connection) -> None:
        """Take in that a person says that the first orders look right."""
        for account, sender in self._senders.items():
            note_account(connection, self._portfolio_id, account, is_confirmed=1)
            sender.is_confirmed = True
