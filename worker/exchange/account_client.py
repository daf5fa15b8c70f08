"""A ccxt client that trades one account: exact numbers, our time and budget, nothing sent twice, nothing logged."""

import logging
from collections.abc import Callable

import ccxt

from shared.errors import ConfigurationError
from worker.exchange.account_transport import DEADLINE_MS, AccountTransport
from worker.exchange.keys import Keys
from worker.exchange.quirks import Quirks


def make_account_client(
    quirks: Quirks,
    keys: Keys,
    transport: AccountTransport,
    sandbox: bool,
    throttle: Callable[..., None],
    now_ms: Callable[[], int],
) -> ccxt.Exchange:
    """Make the client of an account; touches no network. `sandbox` wants a testnet that ccxt knows.

    `throttle` is called with the cost of each request before it is signed; `now_ms` is the exchange's time, by which
    requests are signed.
    """
    client = getattr(ccxt, quirks.exchange)(
        {
            "apiKey": keys.key.get_secret_value(),
            "secret": keys.secret.get_secret_value(),
            "password": keys.passphrase.get_secret_value() if keys.passphrase is not None else "",
            "timeout": DEADLINE_MS,
            "options": {
                "defaultType": "swap" if quirks.kind == "swap" else "spot",
                **quirks.options,
                # it would send an order again
                "maxRetriesOnFailure": 0,
            },
        }
    )
    client.number = str
    client.has["fetchCurrencies"] = False
    # What proves that an empty answer is one, and that an order is not there.
    client.enableLastHttpResponse = True
    # Its own limiter knows neither Retry-After nor what matters more; the cost of each request comes from its table.
    client.enableRateLimit, client.throttle = True, throttle
    _tell_time(client, now_ms, quirks.nonce_rises)
    if sandbox:
        _enter_sandbox(client, quirks)
    for scheme in ("https://", "http://"):
        client.session.mount(scheme, transport)
    # A redirection would take an order and its signature to another place.
    client.session.max_redirects = 0
    _keep_out_of_logs(client)
    return client


def require_passphrase(account: str, quirks: Quirks, keys: Keys) -> None:
    """Raise ConfigurationError where the exchange wants a passphrase and there is none."""
    if quirks.has_passphrase and keys.passphrase is None:
        raise ConfigurationError(f"keys of account {account} must have a passphrase on {quirks.exchange}, had none")


def require_testnet(account: str, quirks: Quirks, sandbox: bool) -> None:
    """Raise ConfigurationError where a testnet is wanted and ccxt knows none."""
    if sandbox and quirks.sandbox is None:
        raise ConfigurationError(
            f"accounts.{account}.sandbox must be false, for ccxt knows no testnet of {quirks.exchange}, was true"
        )


def _tell_time(client: ccxt.Exchange, now_ms: Callable[[], int], nonce_rises: bool) -> None:
    last_nonce = 0

    def rising() -> int:
        nonlocal last_nonce
        last_nonce = max(last_nonce + 1, now_ms())
        return last_nonce

    client.milliseconds = now_ms
    client.seconds = lambda: now_ms() // 1000
    client.microseconds = lambda: now_ms() * 1000
    if nonce_rises:
        client.nonce = rising


def _enter_sandbox(client: ccxt.Exchange, quirks: Quirks) -> None:
    if quirks.sandbox is not None and quirks.sandbox.is_demo:
        client.enable_demo_trading(True)
    else:
        client.set_sandbox_mode(True)


def _keep_out_of_logs(client: ccxt.Exchange) -> None:
    """Both say addresses with signatures, and one of them headers with keys, to whoever listens for details."""
    client.logger = logging.Logger("ccxt", logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.INFO)
