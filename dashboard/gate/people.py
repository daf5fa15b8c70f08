"""Who may come in: the accounts of the password file, looked at again whenever it changes."""

import errno
import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigurationError
from shared.passwords import OPERATOR, Account, is_guarded, load_accounts, mark_guarded, require_there

LOG = logging.getLogger(__name__)
_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN, errno.EIO)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is looking: the name for the audit trail, and the role: `viewer` or `operator`."""

    name: str
    role: str

    @property
    def is_operator(self) -> bool:
        """Say whether this person may act."""
        return self.role == OPERATOR


# Who came by a link from this machine's terminal, where no password has been set.
LOCAL = Account("local", OPERATOR, None)


class People:
    """The accounts; `LOCAL` alone until there is a password file, and not again once there has been one.

    That there has been one stands in a file beside it, so that it counts when the page starts anew, too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._accounts: dict[str, Account] = {}
        self._guarded = False
        self._trouble = self._said = ""
        self._seen: tuple[int, ...] | None = None

    def guarded(self) -> bool:
        """Tell whether people sign in by name."""
        self._look()
        return self._guarded

    def trouble(self) -> str:
        """Say what is wrong with the password file, where nobody can sign in for that; a stranger may read it."""
        self._look()
        return self._trouble

    def find(self, name: str) -> Account | None:
        """Give the account of a name."""
        self._look()
        if not self._guarded:
            return LOCAL if name == LOCAL.name else None
        return self._accounts.get(name)

    def has_passwords(self) -> bool:
        """Tell whether anybody signs in by password."""
        self._look()
        return any(account.password is not None for account in self._accounts.values())

    def require_good(self) -> int:
        """Give how many accounts there are, 0 where there never was a file.

        Raises ConfigurationError for a file that is wrong or has gone, and where it cannot be noted that there is one.
        """
        try:
            require_there(self.path)
            accounts = load_accounts(self.path)
            mark_guarded(self.path)
        except FileNotFoundError as error:
            if is_guarded(self.path):
                raise ConfigurationError(f"password file {self.path} must be a file, leads to none") from error
            return 0
        except OSError as error:
            raise ConfigurationError(
                f"password file {self.path} must be readable, was not: {error.strerror}"
            ) from error
        return len(_required(self.path, accounts))

    def _look(self) -> None:
        try:
            found = os.stat(self.path)
            seen: tuple[int, ...] = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode, found.st_ctime_ns)
        except (FileNotFoundError, NotADirectoryError):
            seen = ()
        except OSError:
            seen = (-1,)
        # A file may come and go between two looks; what remembers it stays.
        guarded = self._guarded or is_guarded(self.path)
        if (seen, guarded) != (self._seen, self._guarded):
            self._seen, self._guarded = seen, guarded
            self._accounts, self._trouble = self._load() if guarded else ({}, "")

    def _load(self) -> tuple[dict[str, Account], str]:
        # Whatever is wrong with the file, it shuts the door and does not open it.
        trouble = "the password file cannot be used" if self._seen else "the password file is missing"
        try:
            require_there(self.path)
            accounts = load_accounts(self.path)
            mark_guarded(self.path)
            trouble = "the password file names nobody"
            _required(self.path, accounts)
        except (OSError, ConfigurationError) as error:
            if str(error) != self._said:
                LOG.error("nobody can sign in: %s", error)
            self._said = str(error)
            if _passes(error):
                self._seen = None
            return {}, trouble
        self._said = ""
        return accounts, ""


def _passes(error: BaseException) -> bool:
    """Tell whether it was the moment's fault, so that the same file may be good at the next look."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return isinstance(cause, OSError) and cause.errno in _PASSING


def _required(path: Path, accounts: dict[str, Account]) -> dict[str, Account]:
    if not accounts:
        raise ConfigurationError(
            f"{path} must name somebody who may sign in, was empty: `flotilla dashboard password NAME`"
        )
    return accounts


def fingerprint(account: Account) -> str:
    """Name an account as it is now: a new password or role makes another, which ends its sessions."""
    return hashlib.sha256(f"{account.name} {account.role} {account.password}".encode()).hexdigest()[:16]
