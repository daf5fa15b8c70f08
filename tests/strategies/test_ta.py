"""What a worker loads for its strategies, and what stays loadable."""

import subprocess
import sys

LOADED = """
import sys
import worker.strategies.registry
assert "talib" in sys.modules and "pandas" not in sys.modules
import pandas
assert pandas.Series([1.0]).sum() == 1.0
"""


def test_strategies_are_loaded_without_pandas_and_pandas_after_them() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
