"""Times of files: units row by row, days and months in either order, timeframes that only the rows say."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import CandleError
from shared.settings import MarketSettings
from tests.market.fakes import DAY_MS, HOUR_MS, MINUTE_MS
from worker.market.check import check_candles
from worker.market.files import CandleFolder, load_candles

START = datetime(2024, 12, 31, 9, tzinfo=UTC)
HEADER = "timestamp,open,high,low,close,volume\n"


def write_times(folder: Path, times: list[str], name: str = "BTCUSDT-1h.csv") -> Path:
    (folder / name).write_text(HEADER + "".join(f"{time},10,11,9,10,1\n" for time in times))
    return folder


def hours(count: int, start: datetime = START) -> list[datetime]:
    return [start + timedelta(hours=number) for number in range(count)]


@pytest.mark.parametrize(
    ("before", "after"),
    [(1_000, 1_000_000), (1, 1_000), (1_000_000, 1_000_000_000), (1, 1_000_000_000)],
    ids=["ms then us", "s then ms", "us then ns", "s then ns"],
)
@pytest.mark.parametrize("form", ["{:d}", "{:d}.0"])
def test_the_unit_is_told_row_by_row(tmp_path: Path, before: int, after: int, form: str) -> None:
    seconds = [int(moment.timestamp()) for moment in hours(30)]
    times = [form.format(second * (before if number < 15 else after)) for number, second in enumerate(seconds)]
    bars = load_candles(write_times(tmp_path, times), "BTC/USDT", HOUR_MS)
    assert bars.open_ms.tolist() == [second * 1000 for second in seconds]


@pytest.mark.parametrize(
    "form",
    [
        "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M", "%m/%d/%y %H:%M",
        "%d/%m/%Y %I:%M %p", "%d/%m/%Y, %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %I-%p", "%b %d, %Y %H:%M",
        "%d-%b-%Y %H:%M", "%Y%m%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%d %H:%M:%S UTC",
        "%Y-%m-%d %H:%M:%S+00:00",
    ],
)  # fmt: skip
def test_dates_are_read_in_every_usual_form(tmp_path: Path, form: str) -> None:
    # The 13th proves which number is the day.
    times = hours(30, datetime(2024, 10, 12, 20, tzinfo=UTC))
    quoted = [f'"{moment.strftime(form)}"' for moment in times]
    bars = load_candles(write_times(tmp_path, quoted), "BTC/USDT", HOUR_MS)
    assert bars.open_ms.tolist() == [int(moment.timestamp()) * 1000 for moment in times]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
def test_order_proves_the_day_where_no_number_does(tmp_path: Path, form: str) -> None:
    """Read the other way round, the first of February would go before the twelfth of January."""
    moments = [datetime(2024, month, day, tzinfo=UTC) for month in (1, 2) for day in range(1, 13)]
    settings = MarketSettings(max_missing=1000.0)
    write_times(tmp_path, [moment.strftime(form) for moment in moments], "BTCUSDT-1d.csv")
    bars = CandleFolder(tmp_path, settings).candles("BTC/USDT", DAY_MS).bars
    assert bars.open_ms.tolist() == [int(moment.timestamp()) * 1000 for moment in moments]


def test_a_date_that_may_be_either_is_refused_and_taken_where_its_format_is_named(tmp_path: Path) -> None:
    moments = [datetime(2024, 2, 1, tzinfo=UTC) + timedelta(days=number) for number in range(10)]
    write_times(tmp_path, [moment.strftime("%d/%m/%Y") for moment in moments], "BTCUSDT-1d.csv")
    with pytest.raises(
        CandleError,
        match=r"^BTCUSDT-1d.csv must show which number of 01/02/2024 is the day: .* "
        r"--date-format '%d/%m/%Y' or '%m/%d/%Y'$",
    ):
        load_candles(tmp_path, "BTC/USDT", DAY_MS)
    settings = MarketSettings(date_format="%d/%m/%Y")
    bars = CandleFolder(tmp_path, settings).candles("BTC/USDT", DAY_MS).bars
    assert bars.open_ms.tolist() == [int(moment.timestamp()) * 1000 for moment in moments]


@pytest.mark.parametrize("form", ["%Y/%d/%m %H:%M", "%d %b %y %H.%M", "%Y%d%m%H%M", "%Y-%m-%d %H:%M UTC"])
def test_a_format_that_is_named_is_taken_as_it_is(tmp_path: Path, form: str) -> None:
    times = hours(30, datetime(2024, 2, 1, tzinfo=UTC))
    write_times(tmp_path, [moment.strftime(form) for moment in times])
    bars = CandleFolder(tmp_path, MarketSettings(date_format=form)).candles("BTC/USDT", HOUR_MS).bars
    assert bars.open_ms.tolist() == [int(moment.timestamp()) * 1000 for moment in times]


def test_a_cell_that_is_no_date_is_named_though_the_file_is_day_first(tmp_path: Path) -> None:
    times = [moment.strftime("%d/%m/%Y %H:%M") for moment in hours(30)]
    times[6] = "99/99/2024 00:00"
    with pytest.raises(CandleError, match="row 7: timestamp must be a time, was 99/99/2024"):
        load_candles(write_times(tmp_path, times), "BTC/USDT", HOUR_MS)


@pytest.mark.parametrize(
    ("step", "timeframe"),
    [
        (timedelta(minutes=1), "1m"),
        (timedelta(minutes=15), "15m"),
        (timedelta(hours=4), "4h"),
        (timedelta(days=1), "1d"),
        (timedelta(days=3), "3d"),
        (timedelta(weeks=1), "1w"),
    ],
)
def test_rows_say_the_timeframe_where_the_name_does_not(tmp_path: Path, step: timedelta, timeframe: str) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    moments = [start + number * step for number in range(40) if number not in (7, 8, 20)]
    write_times(tmp_path, [moment.isoformat() for moment in moments], "BTCUSDT.csv")
    (report,) = check_candles(tmp_path)
    assert (report.timeframe, report.gaps, report.missing_bars, report.usable) == (timeframe, 2, 3, True)


@pytest.mark.parametrize(
    ("moments", "sentence"),
    [
        (
            [datetime(2024, month, 1, tzinfo=UTC) for month in range(1, 10)],
            "must hold bars of one length, holds months",
        ),
        (hours(1), "must name its timeframe, like BTC_USDT-1h.csv, for one row shows none"),
        (
            [START + timedelta(minutes=7 * number) for number in range(9)],
            "must hold bars that divide a day or are whole days, most are 7m apart",
        ),
    ],
)
def test_rows_that_show_no_timeframe_are_refused(tmp_path: Path, moments: list[datetime], sentence: str) -> None:
    write_times(tmp_path, [moment.isoformat() for moment in moments], "BTCUSDT.csv")
    with pytest.raises(CandleError, match=f"^BTCUSDT.csv {sentence}$"):
        load_candles(tmp_path, "BTC/USDT", HOUR_MS)


def test_a_capital_m_is_what_the_rows_say(tmp_path: Path) -> None:
    moments = [START + timedelta(minutes=number) for number in range(9)]
    write_times(tmp_path, [moment.isoformat() for moment in moments], "BTCUSDT_1M.csv")
    assert len(load_candles(tmp_path, "BTC/USDT", MINUTE_MS)) == 9
