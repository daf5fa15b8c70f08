"""What a backtest need not load, which is a quarter of its start, it does not load."""

import subprocess
import sys
from pathlib import Path

from tests.research.runs import SMALL_FLEET, set_options, write_candles

BACKTEST = """
import sys
from worker.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code
assert {"talib", "pyarrow"} <= set(sys.modules)
assert "pandas" not in sys.modules
import pandas
assert pandas.Series([1.0]).sum() == 1.0
"""


def test_a_backtest_of_parquet_files_that_writes_none_loads_no_pandas(tmp_path: Path) -> None:
    candles = write_candles(tmp_path / "candles", days=2)
    words = ["backtest", "--candles", str(candles), *set_options(SMALL_FLEET)]
    done = subprocess.run([sys.executable, "-c", BACKTEST, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
