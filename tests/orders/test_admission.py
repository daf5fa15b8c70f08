"""Who may trade: each row of what bad input gets is one sentence, and nothing is sent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.clock import Clock, ManualClock, SystemClock
from shared.errors import ConfigurationError, KeyRefused
from shared.settings import Settings, load_settings
from tests.exchange.accounts import Account
from tests.exchange.engine import Exchange
from tests.exchange.listings import Product
from tests.exchange.server import Server
from tests.orders.fake_account import FakeAccount
from worker.build import make_account
from worker.exchange.protocol import Rights, SymbolRules
from worker.orders.admission import admit, check_settings, set_up

SPOT = (
    "broker.kind=ccxt",
    "market.kind=ccxt",
    "accounts.main.exchange=binance",
    "accounts.main.limit=27000",
    "portfolio.allow_short=false",
)
SWAP = (*SPOT, "accounts.main.type=swap", "market.exchange_type=swap", "portfolio.allow_short=true")
OTHER = ("accounts.other.limit=9000", "strategies.breakout.account=other")
OF_BYBIT = ("market.exchange=bybit", "market.exchange_type=swap")
WORD = {"FLOTILLA_LIVE": "main"}


def settings_of(*overrides: str) -> Settings:
    return load_settings(None, {}, overrides)


def test_whole_settings_and_the_word_may_trade() -> None:
    check_settings(settings_of(*SPOT), {}, WORD)
    check_settings(settings_of(*SWAP), {}, WORD)


ELSEWHERE = {
    "another exchange": ["accounts.other.exchange=gate"],
    "none at the market of the settings": ["market.exchange=kraken"],
    "a unified account": ["accounts.other.exchange=bybit", "accounts.other.type=unified"],
}


@pytest.mark.parametrize("there", ELSEWHERE.values(), ids=ELSEWHERE)
def test_accounts_may_be_on_several_exchanges_and_candles_of_them(there: list[str]) -> None:
    check_settings(settings_of(*SPOT, *OTHER, *there), {}, {"FLOTILLA_LIVE": "main,other"})


def test_two_accounts_of_one_exchange_are_named_in_any_order() -> None:
    second = ("accounts.other.limit=9000", "strategies.breakout.account=other")
    check_settings(settings_of(*SPOT, *second), {}, {"FLOTILLA_LIVE": " other, main"})
    with pytest.raises(
        ConfigurationError, match=r"FLOTILLA_LIVE in the environment must be main,other, .* was 'main'$"
    ):
        check_settings(settings_of(*SPOT, *second), {}, WORD)


@pytest.mark.parametrize(
    ("overrides", "word", "sentence"),
    [
        ([], {}, "FLOTILLA_LIVE in the environment must be main, the accounts that are to trade, was not set"),
        ([], {"FLOTILLA_LIVE": "mian"}, "FLOTILLA_LIVE in the environment must be main, .* was 'mian'"),
        (
            ["accounts.main.limit=26999"],
            WORD,
            "limit must be at least 27,000.00, the capital of its 27 bots, was 26",
        ),
        (["portfolio.allow_short=true"], WORD, r"allow_short must be false, for account main trades BTC/USDT in spot"),
        (["market.kind=simulated"], WORD, "market.kind must be ccxt where broker.kind is ccxt, was simulated"),
        (
            ["market.exchange=gate", "accounts.other.endpoint=http://127.0.0.1:9", *OTHER],
            {"FLOTILLA_LIVE": "main,other"},
            "accounts.other.endpoint must be that of the other accounts on binance, unset, was http://127.0.0.1:9",
        ),
        (
            ["accounts.main.exchange=bitstamp"],
            WORD,
            "exchange of account main must be one of binance.*, was 'bitstamp'",
        ),
        (["accounts.main.exchange=kraken", "accounts.main.type=swap"], WORD, "type of account main on kraken must be"),
        (
            ["accounts.main.exchange=bybit", "accounts.main.type=unified", *OF_BYBIT],
            WORD,
            "symbols must be like BTC/USDT:USDT for perpetuals of the unified account main, or",
        ),
    ],
)
def test_settings_that_may_not_trade(overrides: list[str], word: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        check_settings(settings_of(*SPOT, *overrides), {}, word)
    assert refused.value.exit_code == 78
    assert "\n" not in str(refused.value)


def test_without_a_limit_nothing_trades() -> None:
    without = [setting for setting in SPOT if "limit" not in setting]
    with pytest.raises(ConfigurationError, match=r"accounts\.main\.limit must be at least 27,000.00, .* was not set"):
        check_settings(settings_of(*without), {}, WORD)


def test_an_account_whose_bots_are_still_in_the_books_must_stay_in_the_settings() -> None:
    with pytest.raises(ConfigurationError, match=r"account old must be in the settings as \[accounts\.old\]"):
        check_settings(settings_of(*SPOT), {"old": ("BTC/USDT",)}, WORD)


def test_without_accounts_the_settings_are_told_what_they_lack() -> None:
    with pytest.raises(ConfigurationError, match=r"must have \[accounts\.NAME\] where broker\.kind is ccxt, had none"):
        check_settings(settings_of("broker.kind=ccxt"), {}, WORD)


GOOD = Rights(may_trade=True, may_withdraw=False, is_bound_to_addresses=True)


@dataclass
class Strange(FakeAccount):
    """An account that says of itself what a test wants."""

    may: Rights = GOOD
    is_trading: bool = True
    held: dict[str, Decimal] = field(default_factory=lambda: {"USDT": Decimal(27_000)})

    def rights(self) -> Rights:
        return self.may

    def rules(self, symbol: str) -> SymbolRules:
        return SymbolRules(None, None, None, is_trading=self.is_trading or symbol != "BTC/USDT")

    def balances(self) -> Mapping[str, Decimal]:
        return self.held


def _admit(is_new: bool = True, in_books: tuple[str, ...] = (), **said: Any) -> tuple[list[str], Strange]:
    account = Strange(ManualClock(), **said)
    settings = settings_of(*SPOT)
    warnings = admit(account, settings, settings.portfolio.symbols, in_books, is_new)
    assert not account.sent
    return warnings, account


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"may": Rights(True, True, True)}, "key of account main must not have the right to withdraw, had it"),
        ({"may": Rights(False, False, True)}, "key of account main must have the right to trade, had not"),
        ({"is_trading": False}, "symbol BTC/USDT must be trading on account main, was not"),
        (
            {"held": {"USDT": Decimal(26_999)}},
            "limit must be at most what the account is worth, 26,999.00 USDT, was 2",
        ),
        ({"held": {}}, "limit must be at most what the account is worth, 0.00 USDT, was 27,000.00"),
        ({"skew": 30_001}, "clock of this machine must be within 30 s of .* main's exchange, was 30 s behind it"),
        ({"skew": -90_000}, "clock of this machine must be within 30 s of .* main's exchange, was 90 s ahead of it"),
    ],
)
def test_what_the_exchange_says_may_forbid_it(said: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        _admit(**said)
    assert refused.value.exit_code == 78


def test_an_account_in_order_is_admitted_without_a_word() -> None:
    assert _admit()[0] == []
    assert _admit(skew=29_999)[0] == []


def test_a_key_that_is_not_bound_is_warned_of() -> None:
    warnings, _ = _admit(may=Rights(True, False, False))
    assert warnings == ["key of account main is not bound to addresses: whoever has it can trade from anywhere"]


def test_an_account_that_has_traded_goes_on_whatever_it_lost_and_whatever_trades_no_more() -> None:
    held = {"USDT": Decimal(20_000)}
    warnings, _ = _admit(is_new=False, in_books=("BTC/USDT",), held=held, is_trading=False)
    assert len(warnings) == 2
    assert "BTC/USDT must be trading" in warnings[0]
    assert "worth, 20,000.00 USDT" in warnings[1]


def test_coins_that_are_traded_count_as_worth() -> None:
    # At a bid of 99.9.
    assert _admit(held={"USDT": Decimal(17_010), "BTC": Decimal(100)})[0] == []


@dataclass
class Venue:
    """The local exchange with one account, and the settings to trade there."""

    server: Server
    account: Account
    folder: Path

    def client(self, *overrides: str, clock: Clock | None = None) -> tuple[Any, Settings]:
        keys, key = self.folder / "keys.toml", self.account.key
        keys.write_text(f'key = "{key.api_key}"\nsecret = "{key.secret}"\n')
        keys.chmod(0o600)
        place = (f"accounts.main.keys={keys}", f"accounts.main.endpoint={self.server.url}")
        settings = settings_of(*place, *overrides)
        return make_account(settings, "main", clock or SystemClock()), settings


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    exchange = Exchange(SystemClock().now_ms)
    account = exchange.open_account("main", USDT="100000")
    exchange.flows.deposit(account, "USDT", Decimal(100_000), Product.SWAP)
    with Server(exchange) as server:
        yield Venue(server, account, tmp_path)


def test_over_the_wire_an_account_is_admitted_and_nothing_is_ordered(venue: Venue) -> None:
    client, settings = venue.client(*SPOT)
    warnings = admit(client, settings, settings.portfolio.symbols, (), is_new=True)
    assert ["not bound to addresses" in warning for warning in warnings] == [True]
    set_up(client, settings, settings.portfolio.symbols)
    assert not [path for method, path, _ in venue.server.log if method == "POST"]


def test_over_the_wire_a_key_that_may_withdraw_is_refused(venue: Venue) -> None:
    venue.account.key.may_withdraw = True
    client, settings = venue.client(*SPOT)
    with pytest.raises(ConfigurationError, match="must not have the right to withdraw"):
        admit(client, settings, settings.portfolio.symbols, (), is_new=True)


def test_over_the_wire_a_key_that_the_exchange_does_not_take_is_refused(venue: Venue) -> None:
    venue.account.key.is_active = False
    client, settings = venue.client(*SPOT)
    with pytest.raises(KeyRefused, match="key of account main must be taken by its exchange, was refused: .*-2015"):
        admit(client, settings, settings.portfolio.symbols, (), is_new=True)


def test_over_the_wire_an_unknown_symbol_is_refused_unless_the_books_know_it(venue: Venue) -> None:
    client, settings = venue.client(*SPOT)
    with pytest.raises(ConfigurationError, match="symbol must be listed among .*, was 'XYZ/USDT'"):
        admit(client, settings, ("XYZ/USDT",), (), is_new=True)
    warnings = admit(client, settings, ("BTC/USDT",), ("XYZ/USDT",), is_new=True)
    assert any("XYZ/USDT must be trading" in warning for warning in warnings)


def test_over_the_wire_a_clock_that_is_far_off_is_refused(venue: Venue) -> None:
    clock = ManualClock(SystemClock().now_ms() - 60_000)
    client, settings = venue.client(*SPOT, clock=clock)
    with pytest.raises(ConfigurationError, match=r"within 30 s .* was \d\d s behind it"):
        admit(client, settings, settings.portfolio.symbols, (), is_new=True)


def test_over_the_wire_leverage_and_margin_are_set_and_read_back(venue: Venue) -> None:
    client, settings = venue.client(*SWAP, "risk.leverage=2.5")
    symbols = settings.portfolio.symbols
    admit(client, settings, symbols, (), is_new=True)
    set_up(client, settings, symbols)
    assert venue.account.leverage == dict.fromkeys(("BTCUSDT", "ETHUSDT", "SOLUSDT"), 3)
    assert venue.account.isolated == dict.fromkeys(("BTCUSDT", "ETHUSDT", "SOLUSDT"), True)
    assert not [path for method, path, _ in venue.server.log if method == "POST" and path.endswith("/order")]


def test_over_the_wire_a_leverage_that_cannot_be_set_is_refused(venue: Venue) -> None:
    client, settings = venue.client(*SWAP, "risk.leverage=500")
    admit(client, settings, settings.portfolio.symbols, (), is_new=True)
    with pytest.raises(ConfigurationError, match=r"leverage of BTC/USDT on main must be 500, could not be set"):
        set_up(client, settings, settings.portfolio.symbols)


def test_keys_that_others_may_read_or_that_are_not_there_are_refused(venue: Venue) -> None:
    _, settings = venue.client(*SPOT)
    (venue.folder / "keys.toml").chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"readable by their owner alone \(chmod 600\), mode was 640"):
        make_account(settings, "main", SystemClock())
    (venue.folder / "keys.toml").unlink()
    with pytest.raises(ConfigurationError, match="which was not found"):
        make_account(settings, "main", SystemClock())


def test_an_exchange_without_a_testnet_wants_sandbox_false_in_writing() -> None:
    settings = settings_of(*SPOT, "accounts.main.exchange=kraken")
    with pytest.raises(
        ConfigurationError, match=r"accounts\.main\.sandbox must be false, for ccxt .* of kraken, was true"
    ):
        make_account_with_keys(settings)


def make_account_with_keys(settings: Settings) -> Any:
    from tests.account.recording import KEYS
    from worker.exchange.account import CcxtAccount

    return CcxtAccount("main", settings.account("main"), KEYS, ManualClock())
