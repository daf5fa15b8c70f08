"""What all tests share."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOT_IN_THE_REPOSITORY = "real candles"
# What no installation gives: the right to mount belongs to the machine.
NO_MOUNTS = "file systems cannot be mounted"
MAY_BE_MISSING = (NOT_IN_THE_REPOSITORY, NO_MOUNTS)


def candles_folder(name: str) -> Path:
    """Give a folder of real candles, or skip the test where the machine has none."""
    folder = Path(os.environ.get("FLOTILLA_TEST_DATA") or ROOT.parent / "shared" / "data" / "candles") / name
    if not folder.is_dir():
        pytest.skip(f"{NOT_IN_THE_REPOSITORY} {name} are not on this machine")
    return folder


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Fail what was skipped where everything must run, but for what may be missing there too."""
    if not os.environ.get("FLOTILLA_REQUIRE_ALL") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if not any(missing in reason for missing in MAY_BE_MISSING):
        report.outcome = "failed"
        report.longrepr = f"must not be skipped here (FLOTILLA_REQUIRE_ALL is set): {reason}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest: what runs last alone keeps one core."""
    items.sort(key=lambda item: -sum(mark.args[0] for mark in item.iter_markers("timeout")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _refuse_skip(report)
    return report
