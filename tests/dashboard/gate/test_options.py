"""Streamlit's options: all of the version in use were looked through, and those that open something are shut."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.serving.options import OPTIONS, THEME
from tests.dashboard.gate.process import environment

# Set from the settings, or by which files there are.
SET_HERE = {"server.address", "server.port", "server.enableStaticServing"}
# Left as they come: what they do opens nothing.
LEFT = {
    "browser.serverAddress": "where Streamlit's own server says it is; it does not run",
    "browser.serverPort": "the same",
    "client.disableDataExport": "it would take away copying cells; the button of tables is hidden by a style",
    "client.showSidebarNavigation": "whether the pages stand in the sidebar",
    "global.appTest": "set by Streamlit's own tests",
    "global.maxCachedMessageAge": "how long a browser's copies count",
    "global.minCachedMessageSize": "the same",
    "global.showWarningOnDirectExecution": "a line in the log",
    "global.suppressDeprecationWarnings": "a line in the log",
    "global.unitTest": "set by Streamlit's own tests",
    "logger.enableRich": "how the log looks",
    "logger.hideWelcomeMessage": "a line in the log",
    "logger.level": "the log",
    "logger.messageFormat": "the log",
    "magic.displayLastExprIfNoSemicolon": "magic is off",
    "magic.displayRootDocString": "magic is off",
    "runner.cacheBackgroundRefreshMaxWorkers": "its caches",
    "runner.cacheBackgroundRefreshTTLMultiplier": "its caches",
    "runner.cacheHashSeed": "its caches",
    "runner.connectionDefaultTTL": "its connections, which the page has none of",
    "runner.enforceSerializableSessionState": "what a session may keep",
    "runner.enumCoercion": "what its pickers give",
    "runner.fastReruns": "whether a click waits for the run before",
    "runner.parallelMaxWorkers": "its threads",
    "secrets.files": "where the sign-in of a provider is set up",
    "server.agentMaxSessions": "the interface for programs is off",
    "server.agentPreviewRows": "the interface for programs is off",
    "server.agentSessionTTL": "the interface for programs is off",
    "server.agentWaitTimeout": "the interface for programs is off",
    "server.allowRunOnSave": "files are not watched",
    "server.cookieSecret": "made anew at each start, or that of the provider's sign-in",
    "server.disconnectedSessionTTL": "how long a lost connection may be taken up again",
    "server.enableExpensiveMemoryStats": "metrics are shut by the gate",
    "server.folderWatchBlacklist": "files are not watched",
    "server.folderWatchList": "files are not watched",
    "server.maxCacheDataSize": "its caches",
    "server.maxMessageSize": "what is sent to a browser; the other way see maxWidgetStateSize",
    "server.sslCertFile": "Streamlit's own server does not run",
    "server.sslKeyFile": "the same",
    "server.websocketPingInterval": "the server says it",
    "server.xsrfCookieSameSite": "the cookie of posts to Streamlit, which are shut",
    "ui.hideTopBar": "looks",
}
ASKED = """
import json
from streamlit import config
from dashboard.serving.options import set_options
from shared.settings import DashboardSettings

SET
print(json.dumps({name: option.value for name, option in config.get_config_options().items()}))
"""
SET = "set_options(DashboardSettings(), False)"
OPENED = """
[server]
enableAgentApi = true
scriptHealthCheckEnabled = true
[global]
e2eTest = true
"""


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Give the options in force, where a file opens all it can."""
    return asked(tmp_path_factory.mktemp("options"), SET)


def asked(folder: Path, set_up: str) -> dict[str, object]:
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(OPENED)
    told = subprocess.run(
        [sys.executable, "-c", ASKED.replace("SET", set_up)],
        cwd=folder,
        env=environment(folder, 8501),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])


def test_every_option_that_is_set_is_one_of_streamlit(options: dict[str, object]) -> None:
    """A name that Streamlit no longer knows would shut nothing."""
    assert OPTIONS.keys() | THEME.keys() <= options.keys()
    assert "server.enableAgentApi" in OPTIONS


def test_every_option_of_streamlit_was_looked_at(options: dict[str, object]) -> None:
    there = {name for name in options if not name.startswith("theme.")}
    assert there == OPTIONS.keys() | SET_HERE | LEFT.keys()
    assert not LEFT.keys() & OPTIONS.keys()


def test_a_file_would_open_it(tmp_path: Path) -> None:
    opened = asked(tmp_path, "config.get_config_options(force_reparse=True)")
    assert opened["server.enableAgentApi"] is True and opened["global.e2eTest"] is True


def test_no_file_opens_what_is_shut(options: dict[str, object]) -> None:
    assert {name: options[name] for name in OPTIONS} == OPTIONS
    assert options["server.enableAgentApi"] is False
