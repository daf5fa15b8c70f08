"""Streamlit's options, set here and in no file, so that no copied or missing file can open what is closed."""

from typing import Any

from dashboard.figures.theme import PALETTE
from dashboard.gate.gate import ROLE_HEADER, USER_HEADER
from shared.settings import DashboardSettings

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.toolbarMode": "minimal",
    # A picker has a default, and a click on a trade sets it.
    "global.disableWidgetStateDuplicationWarning": True,
    "runner.magicEnabled": False,
    # Collecting all garbage after each refresh of each session took a quarter of the server's time; Python's own
    # collector looks when there is something to collect. `make bench ONLY=sessions` watches the memory.
    "runner.postScriptGC": False,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": 1,
    "server.runOnSave": False,
    # A session that is taken up again by its id must be of the same person with the same role. The gate takes these
    # headers away from every request and writes its own.
    "server.trustedUserHeaders": {USER_HEADER.decode(): "flotilla_user", ROLE_HEADER.decode(): "flotilla_role"},
    # The gate has looked at the host already, and knows addresses, which this list cannot say.
    "server.allowedHosts": ["*"],
}

# Those of the figures, so that sparklines look like them. Fewer than ten and Streamlit falls back to plotly's own.
CHART_COLOURS = list(PALETTE)
THEME: dict[str, Any] = {
    "theme.font": "sans-serif",
    "theme.chartCategoricalColors": CHART_COLOURS,
    "theme.primaryColor": "#0b5cad",
    "theme.dark.primaryColor": "#4da3e8",
}


def set_options(dashboard: DashboardSettings, static_files: bool) -> None:
    """Set Streamlit's options; `static_files` says whether the application has files of its own to serve."""
    from streamlit import config

    here = {
        "server.address": dashboard.address,
        "server.port": dashboard.port,
        "server.enableStaticServing": static_files,
    }
    config.get_config_options(force_reparse=True)
    for name, value in {**OPTIONS, **THEME, **here}.items():
        config.set_option(name, value, "dashboard/serving/options.py")
