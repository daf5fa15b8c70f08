"""Where everything must run, a skipped test is a failed one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.running import environment

TESTS = """
import pytest
from tests.conftest import candles_folder

def test_without_a_browser():
    pytest.skip("no browser on this machine")

def test_without_candles():
    candles_folder("spot-5m")

@pytest.mark.xfail(strict=True)
def test_expected_to_fail():
    assert False
"""


MODULE = 'import pytest\npytest.skip("no database on this machine", allow_module_level=True)\n'
HOOKS = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport\n"


def run(folder: Path, tests: str, **more: str) -> str:
    (folder / "conftest.py").write_text(HOOKS)
    (folder / "test_some.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-c", "/dev/null", "--rootdir", str(folder)]
    nowhere = environment(FLOTILLA_TEST_DATA=str(folder / "none"), **more)
    return subprocess.run([*command, str(folder)], env=nowhere, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_newcomer_may_skip(tmp_path: Path) -> None:
    assert "2 skipped, 1 xfailed" in run(tmp_path, TESTS)
    assert "1 skipped" in run(tmp_path, MODULE)


def test_where_everything_must_run_only_real_candles_may_be_missing(tmp_path: Path) -> None:
    said = run(tmp_path, TESTS, FLOTILLA_REQUIRE_ALL="1")
    assert "1 failed, 1 skipped, 1 xfailed" in said
    assert "must not be skipped here (FLOTILLA_REQUIRE_ALL is set): Skipped: no browser on this machine" in said


def test_where_everything_must_run_no_module_is_skipped_either(tmp_path: Path) -> None:
    said = run(tmp_path, MODULE, FLOTILLA_REQUIRE_ALL="1")
    assert "1 error" in said
    assert "no database on this machine" in said
