"""Whether a key may do what is wanted of it, and nothing more, as far as its exchange says so."""

from shared.errors import ConfigurationError
from worker.exchange.protocol import AccountClient


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
