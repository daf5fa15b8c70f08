"""Where keys are found, what is refused about them, and that they are shown nowhere."""

import os
import stat
from pathlib import Path

import pytest

from shared.accounts import AccountSettings
from shared.clock import ManualClock
from shared.errors import ConfigurationError, MarketError
from shared.settings import load_settings
from tests.account.recording import KEY, KEYS, PASSPHRASE, SECRET, Recorder, make_account
from worker.exchange.account import CcxtAccount
from worker.exchange.key_check import check_rights, require_own_wallets
from worker.exchange.keys import Keys, load_keys
from worker.exchange.protocol import Rights
from worker.exchange.table import quirks_of

WHOLE = {"FLOTILLA_KEY_MAIN": KEY, "FLOTILLA_SECRET_MAIN": SECRET}


def written(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def texts(keys: Keys) -> list[str | None]:
    parts = (keys.key, keys.secret, keys.passphrase)
    return [part.get_secret_value() if part is not None else None for part in parts]


def test_keys_come_from_the_environment_or_from_a_file_of_their_owner(tmp_path: Path) -> None:
    assert texts(load_keys("main", environment=WHOLE)) == [KEY, SECRET, None]
    whole = {**WHOLE, "FLOTILLA_PASSPHRASE_MAIN": PASSPHRASE}
    assert texts(load_keys("main", environment=whole)) == [KEY, SECRET, PASSPHRASE]
    place = written(tmp_path, f'key = "{KEY}"\nsecret = "{SECRET}"\npassphrase = "{PASSPHRASE}"\n')
    assert texts(load_keys("main", place, {})) == [KEY, SECRET, PASSPHRASE]


def test_they_are_no_settings() -> None:
    assert load_settings(None, WHOLE) == load_settings(None, {})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "account main must have keys in FLOTILLA_KEY_MAIN and FLOTILLA_SECRET_MAIN of the environment"),
        ({"FLOTILLA_KEY_OTHER": KEY, "FLOTILLA_SECRET_OTHER": SECRET}, "account main must have keys in"),
        ({"FLOTILLA_KEY_MAIN": KEY}, "in the environment must have FLOTILLA_SECRET_MAIN, had none"),
        ({"FLOTILLA_SECRET_MAIN": SECRET, "FLOTILLA_KEY_MAIN": ""}, "must have FLOTILLA_KEY_MAIN, had none"),
        ({"FLOTILLA_PASSPHRASE_MAIN": PASSPHRASE}, "must have FLOTILLA_KEY_MAIN, had none"),
    ],
)
def test_what_is_missing_in_the_environment_is_named(environment: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_keys("main", environment=environment)
    assert not any(text in str(caught.value) for text in (KEY, SECRET, PASSPHRASE))


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f'key = "{KEY}"\nsecret = "{SECRET}"', 0o640, r"readable by their owner alone \(chmod 600\), mode was 640"),
        (f'key = "{KEY}"\nsecret = "{SECRET}"', 0o604, "mode was 604"),
        (f'key = "{KEY}"', 0o600, "must have secret, had none"),
        (f'key = "{KEY}"\nsecret = ""', 0o600, "must have secret, had none"),
        (f'key = "{KEY}"\nsecret = 7', 0o600, "must be the texts key, secret, passphrase in ASCII, .* was not: secret"),
        (f'key = "ключ"\nsecret = "{SECRET}"', 0o600, "in ASCII, the key without blanks, was not: key"),
        (f'key = "{KEY} "\nsecret = "{SECRET}"', 0o600, "was not: key"),
        (f'key = "a\\r\\nX-Other: 1"\nsecret = "{SECRET}"', 0o600, "was not: key"),
        (f'key = "{KEY}"\nsecret = "{SECRET}"\n"{SECRET}" = 1', 0o600, "was not: another name"),
        (f"key = {KEY}\nsecret = {SECRET}", 0o600, "must be TOML"),
    ],
)
def test_a_file_of_keys_that_is_wrong_is_refused(tmp_path: Path, text: str, mode: int, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_keys("main", written(tmp_path, text, mode))
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert "main" in shown and not any(secret in shown for secret in (KEY, SECRET))


def test_a_file_of_keys_that_is_not_there_or_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="keys of account main must be in .*nowhere.toml, which was not found"):
        load_keys("main", str(tmp_path / "nowhere.toml"))
    with pytest.raises(ConfigurationError, match="must be a file, was a folder"):
        load_keys("main", str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="must be a file, was a named pipe"):
        load_keys("main", str(tmp_path / "pipe"))


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = written(tmp_path, f'key = "{KEY}"\nsecret = "{SECRET}"')
    owner = Path(place).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with pytest.raises(ConfigurationError, match=f"must belong to user {owner + 1}, belonged to {owner}"):
        load_keys("main", place)
    assert stat.S_IMODE(Path(place).stat().st_mode) == 0o600


def test_keys_that_are_printed_are_stars() -> None:
    shown = f"{KEYS} {KEYS!r} {KEYS.model_dump()} {KEYS.model_dump_json()} {vars(KEYS)}"
    assert "**********" in shown and not any(text in shown for text in KEYS.texts())


def test_a_passphrase_is_demanded_where_the_exchange_wants_one() -> None:
    bare = Keys.model_validate({"key": KEY, "secret": SECRET})
    for exchange in ("okx", "kucoin", "bitget"):
        settings = AccountSettings.model_validate({"exchange": exchange, "sandbox": False})
        with pytest.raises(ConfigurationError, match=f"main must have a passphrase on {exchange}, had none"):
            CcxtAccount("main", settings, bare, ManualClock())


RIGHTS = [
    (
        "binance",
        "spot",
        {"ipRestrict": True, "enableWithdrawals": False, "enableSpotAndMarginTrading": True, "enableFutures": False},
        Rights(True, False, True),
    ),
    (
        "binance",
        "swap",
        {"ipRestrict": False, "enableWithdrawals": True, "enableSpotAndMarginTrading": True, "enableFutures": False},
        Rights(False, True, False),
    ),
    (
        "bybit",
        "spot",
        {"retCode": 0, "result": {"readOnly": 0, "permissions": {"Spot": ["SpotTrade"], "Wallet": []}, "ips": ["*"]}},
        Rights(True, False, False),
    ),
    (
        "okx",
        "spot",
        {"code": "0", "data": [{"perm": "read_only,withdraw", "ip": "1.2.3.4"}]},
        Rights(False, True, True),
    ),
    (
        "kucoin",
        "spot",
        {"code": "200000", "data": {"permission": "General, Spot", "ipWhitelist": ""}},
        Rights(True, False, False),
    ),
    ("coinbase", "spot", {"can_trade": True, "can_transfer": True, "can_view": True}, Rights(True, True, None)),
    (
        "bitget",
        "swap",
        {"code": "00000", "data": {"authorities": ["coow"], "ips": "1.2.3.4"}},
        Rights(True, False, True),
    ),
    ("gate", "spot", {"ip_whitelist": ["1.2.3.4"], "user_id": 1}, Rights(None, None, True)),
    ("kraken", "spot", {}, Rights(None, None, None)),
]


@pytest.mark.parametrize(("exchange", "kind", "said", "rights"), RIGHTS)
def test_what_a_key_may_do_is_read_where_the_exchange_says_so(
    exchange: str, kind: str, said: object, rights: Rights
) -> None:
    account = make_account(quirks_of(exchange, kind), Recorder(said))
    assert account.rights() == rights
    if rights.may_withdraw:
        with pytest.raises(ConfigurationError, match="main must not have the right to withdraw, had it"):
            check_rights(account)
    elif rights.may_trade is False:
        with pytest.raises(ConfigurationError, match="must have the right to trade"):
            check_rights(account)
    else:
        assert ("not bound to addresses" in check_rights(account)) == (rights.is_bound_to_addresses is False)


def test_rights_in_a_broken_answer_are_not_taken_for_none() -> None:
    whole = {"ipRestrict": True, "enableWithdrawals": None, "enableSpotAndMarginTrading": True, "enableFutures": False}
    for body in ("{}", "null", "", "[]", "<html>", whole):
        with pytest.raises(MarketError):
            make_account(quirks_of("binance", "spot"), Recorder(body)).rights()


@pytest.mark.parametrize(
    ("exchange", "kinds", "other", "is_one"),
    [
        ("binance", ("spot", "spot"), KEY, True),
        ("binance", ("spot", "swap"), KEY, False),
        ("bybit", ("spot", "swap"), KEY, True),
        ("bybit", ("spot", "spot"), "another", False),
    ],
)
def test_two_accounts_do_not_trade_from_one_wallet(
    exchange: str, kinds: tuple[str, str], other: str, is_one: bool
) -> None:
    keys = (KEYS, Keys.model_validate({"key": other, "secret": SECRET}))
    places = [AccountSettings.model_validate({"exchange": exchange, "type": kind}) for kind in kinds]
    accounts = dict(zip(("main", "other"), zip(places, keys, strict=True), strict=True))
    if not is_one:
        require_own_wallets(accounts)
        return
    with pytest.raises(ConfigurationError, match="keys of account other must be of a wallet of its own") as refused:
        require_own_wallets(accounts)
    assert KEY not in str(refused.value)
