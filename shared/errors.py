"""The exception tree, and what the program does about each.

FlotillaError
├── ConfigurationError     exit 78: a person must change a setting; supervisor does not restart
│   └── CandleError        exit 78 at start; a running market treats the bar as missing
├── DatabaseError          exit 69: unreachable or unwritable; tried again
│   ├── UnusableDatabase   exit 78: a wrong url, a missing driver, no database in its place, or newer than the program
│   ├── DiskFull           the worker waits until there is room, and takes its books up again
│   └── DatabaseChanged    exit 69: the file is not the one that was opened; the process ends without closing it
├── LeaseError             exit 75: another living worker holds the lease; try later
├── MarketError            the bar counts as missing; tried again soon
│   ├── MarketRefusal      the market answered and will not give this: what asked goes on without it
│   ├── KeyRefused         exit 78 at a start; while running entries stop, and it is tried again
│   └── NotAsked           nothing was asked, for too much had failed just before; tried again soon
├── CommandRefused         the command is answered with the sentence and nothing changes
└── LedgerError            the step is rolled back and the worker stops: the books would not sum
"""


class FlotillaError(Exception):
    """Base of all expected failures; `exit_code` is what the process returns."""

    exit_code = 70


class ConfigurationError(FlotillaError):
    exit_code = 78


class CandleError(ConfigurationError):
    """Candles that cannot be true; the message names file and row."""


class DatabaseError(FlotillaError):
    exit_code = 69


class UnusableDatabase(DatabaseError):
    """A database that trying again will not open: a wrong url, a missing driver, no database, a newer version."""

    exit_code = 78


class DiskFull(DatabaseError):
    """The database cannot grow; what the transaction wrote is undone."""


class DatabaseChanged(DatabaseError):
    """The file was moved, replaced, cut or written over while it was open; nothing more may be written to it."""


class LeaseError(FlotillaError):
    exit_code = 75


class MarketError(FlotillaError):
    exit_code = 69


class MarketRefusal(MarketError):
    """The market answered, and refuses what was asked of it for good: a symbol it does not know."""


class KeyRefused(MarketError):
    """The exchange refuses who asks: a wrong key, one that was revoked, an address or a right that it lacks."""


class NotAsked(MarketError):
    """The market was not asked, for reads that failed had taken long enough."""


class CommandRefused(FlotillaError):
    exit_code = 65


class LedgerError(FlotillaError):
    exit_code = 70
