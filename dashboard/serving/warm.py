"""What is done once, before the first visitor comes, who would wait for it.

Libraries import parts of themselves, and read what they need, when they are first used: half a second of the first view
of a page. None of it looks at the books.
"""

import importlib
import importlib.util
import logging
import pkgutil

from dashboard.queries.seen import try_strategies
from dashboard.serving.frontend import read_ahead
from dashboard.serving.plotly_script import packed_script
from shared.database import sqlite_module
from shared.settings import Settings

LOG = logging.getLogger(__name__)
PACKAGES = ("dashboard.queries", "dashboard.figures", "dashboard.components")
# Imported by Streamlit, pandas and plotly where they are first used.
LATE = (
    "dashboard.report.books",
    "narwhals._interchange.dataframe",
    "pandas.core.methods.to_dict",
    "pandas.core.reshape.reshape",
    "pyarrow.pandas_compat",
    "pyarrow.vendored.version",
    "streamlit.components.v2.manifest_scanner",
    "streamlit.emojis",
    "streamlit.material_icon_names",
    "streamlit.runtime.scriptrunner.magic_funcs",
    "streamlit.web.skills",
    "tzdata",
)


def warm(settings: Settings) -> None:
    """Import what pages need, and use once what is slow at its first use."""
    packed_script()
    read_ahead()
    for name in LATE:
        _import(name)
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            continue
        found = importlib.import_module(package)
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            _import(module.name)
    sqlite_module()
    _use_streamlit()
    _use_plotly()
    try_strategies({name: sleeve.grid for name, sleeve in settings.strategies.sleeves.items()})


def _import(name: str) -> None:
    # One page that cannot be drawn must not take the others with it, least of all the kill switch.
    try:
        importlib.import_module(name)
    except ImportError as error:
        LOG.error("%s cannot be imported; the pages that need it will say so: %s", name, error)


def _use_streamlit() -> None:
    from streamlit.env_util import is_repl
    from streamlit.string_util import is_emoji

    # Asked once in a process: it reads the sources of all that called it.
    is_repl()
    is_emoji("⛵")


def _use_plotly() -> None:
    import plotly.graph_objects as go
    import plotly.io
    from plotly.subplots import make_subplots

    axis = {"title": {"text": "", "font": {}}}
    threshold = {"line": {}, "value": 1}
    drawn = [
        go.Scatter(y=[1], line={}, marker={}),
        go.Bar(y=[1], marker={}),
        go.Candlestick(open=[1], high=[1], low=[1], close=[1], increasing={"line": {}}, decreasing={"line": {}}),
        go.Heatmap(z=[[1]], colorbar={}),
        go.Indicator(
            value=1, title={"font": {}}, number={}, domain={}, gauge={"axis": {}, "bar": {}, "threshold": threshold}
        ),
        go.Pie(values=[1], marker={}),
        go.Treemap(labels=["a"], parents=[""], marker={}, textfont={}),
    ]
    layout = {"xaxis": {**axis, "rangeslider": {}}, "yaxis": axis, "margin": {}, "legend": {}, "hoverlabel": {}}
    figure = go.Figure(drawn, {**layout, "annotations": [{"text": ""}], "shapes": [{"line": {}}]})
    make_subplots(rows=2, cols=1)
    plotly.io.to_json(figure)
