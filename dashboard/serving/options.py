"""Streamlit's options, set here and in no file, so that no copied or missing file can open what is closed."""

from typing import Any

from dashboard.figures.theme import PALETTE
from dashboard.gate.gate import ROLE_HEADER, USER_HEADER
from shared.settings import DashboardSettings

OPTIONS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    # Sites that may show the page in a frame and send it messages: those of Streamlit's own hosting, by default.
    "client.allowedOrigins": [],
    "client.showErrorDetails": "none",
    # Links that send an error to a search engine or a chat.
    "client.showErrorLinks": False,
    # The menu with "Report a bug", "Deploy" and the recorder is for developers.
    "client.toolbarMode": "minimal",
    # Both let a browser end the server by a message.
    "global.developmentMode": False,
    "global.e2eTest": False,
    # A picker has a default, and a click on a trade sets it.
    "global.disableWidgetStateDuplicationWarning": True,
    "runner.magicEnabled": False,
    # Collecting all garbage after each refresh of each session took a quarter of the server's time; Python's own
    # collector looks when there is something to collect. `make bench ONLY=sessions` watches the memory.
    "runner.postScriptGC": False,
    # The gate lists paths from the root.
    "server.baseUrlPath": "",
    "server.corsAllowedOrigins": [],
    # Components are served by nobody else.
    "server.customComponentBaseUrlPath": "",
    # Programs that click for somebody.
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    # A short message would unpack to a long one.
    "server.enableWebsocketCompression": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    # Uploads are shut by the gate.
    "server.maxUploadSize": 1,
    # In megabytes, of what a browser sends; the gate lets through less.
    "server.maxWidgetStateSize": 1,
    "server.runOnSave": False,
    # It would run the page for whoever asks.
    "server.scriptHealthCheckEnabled": False,
    # It sends an address to Streamlit.
    "server.showEmailPrompt": False,
    # A session that is taken up again by its id must be of the same person with the same role. The gate takes these
    # headers away from every request and writes its own.
    "server.trustedUserHeaders": {USER_HEADER.decode(): "flotilla_user", ROLE_HEADER.decode(): "flotilla_role"},
    # The gate has looked at the host already, and knows addresses, which this list cannot say.
    "server.allowedHosts": ["*"],
    "server.unsafeMetricsUserAttributes": [],
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
