"""Whether a key may do what is wanted of it, and nothing more, as far as its exchange says so."""

from collections.abc import Mapping

from shared.accounts import AccountSettings
from shared.errors import ConfigurationError
from worker.exchange.keys import Keys
from worker.exchange.protocol import AccountClient
from worker.exchange.table import shares_a_wallet


def check_rights(account: AccountClient) -> str:
    """Give a warning about the key of an account; empty where there is none.

    Raises ConfigurationError for a key that may withdraw or not trade, where the exchange says so.
    """
    rights = account.rights()
    if rights.may_withdraw:
        raise ConfigurationError(f"key of account {account.name} must not have the right to withdraw, had it")
    if rights.may_trade is False:
        raise ConfigurationError(f"key of account {account.name} must have the right to trade, had not")
    if rights.is_bound_to_addresses is False:
        return f"key of account {account.name} is not bound to addresses: whoever has it can trade from anywhere"
    return ""


def require_own_wallets(accounts: Mapping[str, tuple[AccountSettings, Keys]]) -> None:
    """Raise ConfigurationError where two accounts trade from one wallet: each would take the other's for its own."""
    found: dict[tuple[str, str, str], str] = {}
    for name, (settings, keys) in accounts.items():
        kind = "" if shares_a_wallet(settings.exchange) else settings.type
        wallet = (settings.exchange, kind, keys.key.get_secret_value())
        other = found.setdefault(wallet, name)
        if other != name:
            raise ConfigurationError(
                f"keys of account {name} must be of a wallet of its own, were those of account {other} on the same "
                f"{settings.exchange} wallet"
            )
