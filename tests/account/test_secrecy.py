"""No key, signature or passphrase is in any text that an account produces, whatever goes wrong."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests import PreparedRequest
from requests.exceptions import ConnectTimeout, ReadTimeout

from shared.errors import MarketError
from tests.account.recording import ID, KEY, KEYS, NOW_MS, PASSPHRASE, SECRET, Recorder, make_account, request_of
from worker.exchange.account import CcxtAccount
from worker.exchange.quirks import Quirks
from worker.exchange.secrecy import clean
from worker.exchange.table import QUIRKS, quirks_of

ONE_OF_EACH = [row for row in QUIRKS if row.kind == ("swap" if row.exchange == "krakenfutures" else "spot")]


class Listener(logging.Handler):
    """Hears everything that is logged, at every level."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[list[str]]:
    listener, root = Listener(), logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    yield listener.heard
    root.removeHandler(listener)
    root.setLevel(level)


def echo(request: PreparedRequest) -> Any:
    """Answer as an exchange that repeats the request in its error."""
    raise requests.exceptions.ConnectionError(f"{request.url} {request.headers} {request.body}")


def repeat(request: PreparedRequest) -> tuple[int, str]:
    return 400, f'{{"code": -1, "msg": "{request.url} {KEY} {SECRET}"}}'


FAULTS = [echo, ReadTimeout("x"), ConnectTimeout("x"), "", "null", "<html>", (500, "<html>"), (401, "{}")]


def texts_of(account: CcxtAccount, symbol: str) -> Iterator[str]:
    """Give all that people and logs get to see of what went wrong."""
    yield f"{account!r} {account} {account._wire!r} {account._wire.client!r} {account._wire.client}"
    answers = (account.send(request_of(symbol)), account.cancel(symbol, ID, "77"))
    yield from (repr(answer) for answer in answers)
    yield repr(account.look_up(symbol, ID, "77", NOW_MS))
    reads = (
        account.balances,
        lambda: account.open_orders([symbol]),
        lambda: account.trades(symbol, NOW_MS),
        account.rights,
    )
    for read in reads:
        try:
            yield repr(read())
        except MarketError as error:
            # The client's own words are not to be found either, by whoever looks behind an exception.
            yield "".join(traceback.format_exception(error)) + f"{error.__cause__!r} {error.__context__!r}"


def signatures(recorder: Recorder) -> set[str]:
    """Give what signed the requests that left."""
    names = ("sign", "signature", "authorization", "authent")
    in_fields = {str(sent_value) for sent in recorder.sent for sent_value in _signed(sent.url, sent.body)}
    in_headers = {
        value
        for sent in recorder.sent
        for name, value in sent.headers.items()
        if any(word in name.lower() for word in names)
    }
    return {text for text in in_fields | in_headers if len(text) > 20}


def _signed(url: str, body: str) -> list[str]:
    return [part.partition("signature=")[2] for part in f"{url}&{body}".split("&") if "signature=" in part]


@pytest.mark.parametrize("row", ONE_OF_EACH, ids=lambda row: row.exchange)
def test_nothing_secret_is_in_any_text_under_any_fault(row: Quirks, heard: list[str]) -> None:
    recorder = Recorder("")
    account = make_account(row, recorder)
    symbol = next(iter(account._places))
    for fault in (*FAULTS, repeat):
        recorder.answers = [fault]
        account.budget._spent.clear()
        account.budget._sum, account.budget._silent_to_ms = 0.0, 0
        seen = "\n".join((*texts_of(account, symbol), *heard))
        for secret in (KEY, SECRET, PASSPHRASE, *signatures(recorder)):
            assert secret not in seen
    assert recorder.sent


def test_the_check_would_see_a_signature() -> None:
    """What the client itself says has it."""
    recorder = Recorder(ReadTimeout("x"))
    account = make_account(quirks_of("binance", "spot"), recorder)
    with pytest.raises(Exception, match="signature=") as caught:
        account._wire.client.fetch_balance()
    assert any(signature in str(caught.value) for signature in signatures(recorder))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("GET https://x.org/a/b?timestamp=1&signature=abc failed", "GET https://x.org/a/b failed"),
        (f"key {KEY} was refused", "key … was refused"),
        ('{"apiKey": "abcdef", "sign":"0x12"}', '{"apiKey": "…", "sign":"…"}'),
        ("X-MBX-APIKEY: abc", "X-MBX-APIKEY: …"),
        ("OK-ACCESS-SIGN=abc def", "OK-ACCESS-SIGN=… def"),
        ("Signature for this request is not valid.", "Signature for this request is not valid."),
        ("two\n  lines", "two lines"),
    ],
)
def test_texts_are_cleaned_and_stay_readable(text: str, cleaned: str) -> None:
    assert clean(text, KEYS.texts()) == cleaned


def test_a_secret_is_taken_out_before_the_text_is_cut() -> None:
    assert SECRET[:8] not in clean("x" * 235 + SECRET, KEYS.texts())


def test_a_short_secret_does_not_hide_a_signature_by_its_absence() -> None:
    assert clean("GET https://api.example.com/x?timestamp=1&signature=11fe", ("s",)) == "GET http…://api.example.com/x"
