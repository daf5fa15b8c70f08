"""What a person types that makes no sense is said in one sentence; what is offered is what there is."""

import csv
import io
import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.database import transaction
from tests.research.runs import call
from tests.store.fleets import Books
from worker.cli import COMMANDS
from worker.terminal import controls
from worker.terminal.controls import NoAnswer

CONFIGURATION = 78


@pytest.mark.parametrize("command", ["deposit", "withdraw"])
@pytest.mark.parametrize("amount", ["-5", "0", "-1.5e2"])
def test_an_amount_below_zero_is_an_amount_and_no_option(
    command: str, amount: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([command, amount, "--reason", "d"], [command, "--reason", "d", "--", amount]):
        assert call(arguments) == CONFIGURATION
        assert capsys.readouterr().err == f"flotilla: amount must be more than 0, was {float(amount):g}\n"


@pytest.mark.parametrize(
    ("price", "yes", "sentence"),
    [
        ("nan", [], "price must be 0 or more, was nan"),
        ("inf", ["--yes"], "price must be 0 or more, was inf"),
        ("-1", [], "price must be 0 or more, was -1"),
        ("5", [], "price must be at most 2 times the last price 0.0000139, was 5; with --yes it is taken nevertheless"),
        (
            "1e300", [],
            "price must be at most 2 times the last price 0.0000139, was 1e+300; with --yes it is taken nevertheless",
        ),
        ("5", ["--yes"], ""),
        ("0.0000277", [], ""),
        ("0", [], ""),
    ],
)  # fmt: skip
def test_a_write_off_far_above_the_last_price_is_asked_about(
    books: Books,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    price: str,
    yes: list[str],
    sentence: str,
) -> None:
    monkeypatch.setattr(controls, "ANSWER_SECONDS", 0.0)
    with transaction(engine) as connection:
        connection.exec_driver_sql("UPDATE market_state SET close = 0.0000139")
    code = call(["write-off", "mr_c0_usdt_1h_p1", "--price", price, "--reason", "gone", *yes])
    with transaction(engine) as connection:
        asked = connection.exec_driver_sql("SELECT amount FROM command").scalars().all()
    if sentence:
        assert code not in (0, NoAnswer.exit_code) and not asked
        assert capsys.readouterr().err == f"flotilla: {sentence}\n"
    else:
        assert code == NoAnswer.exit_code and asked == [float(price)], "asked, and nobody is there to answer"


def test_an_option_nobody_knows_is_still_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["deposit", "5", "--resaon", "d"]) == 2
    assert "--reason" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_offers_to_install_completion(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call([command, "--help"]) == 0
    printed = capsys.readouterr().out
    assert "--help" in printed
    assert "completion" not in printed


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--sleeve", "scalper"], "sleeve must be one of breakout, mean_reversion, trend_following, was 'scalper'"),
        (["--bot", "mr_c9"], "bot must be one of bo_c0_usdt_1h_p1, mr_c0_usdt_1h_p1, tf_c0_usdt_1h_p1, was 'mr_c9'"),
        (["--symbol", "BTC/USDT"], "symbol must be one of C0/USDT, was 'BTC/USDT'"),
        (
            ["--from", "2026-02-01", "--to", "2026-01-01"],
            "--from must be before --to 2026-01-01 00:00 UTC, was 2026-02-01 00:00 UTC",
        ),
    ],
)
def test_an_export_of_what_is_not_there(
    books: Books, folder: Path, options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["export", "fills", "--out", folder / "fills.csv", *options]) == CONFIGURATION
    assert capsys.readouterr().err == f"flotilla: {sentence}\n"
    assert not (folder / "fills.csv").exists()


def test_an_export_is_for_its_owner_alone(books: Books, folder: Path) -> None:
    before = os.umask(0o002)
    try:
        assert call(["export", "fills", "--out", folder / "fills.csv"]) == 0
        assert stat.S_IMODE((folder / "fills.csv").stat().st_mode) == 0o600
    finally:
        assert os.umask(before) == 0o002


def test_an_export_of_what_is_there(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--sleeve", "breakout", "--bot", "bo_c0_usdt_1h_p1", "--symbol", "C0/USDT"]
    assert call(["export", "decisions", *names]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["bot"] for row in rows} == {"bo_c0_usdt_1h_p1"}
