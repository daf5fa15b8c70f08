"""A chart that takes new data in place, so that zoom, hidden lines and a drag under way survive a refresh.

`st.plotly_chart` is made anew whenever its figure changes: it blinks and forgets what the person did.
"""

from functools import partial
from hashlib import blake2b
from threading import Condition
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io
import streamlit as st
from cachetools import TTLCache, cached
from cachetools.keys import hashkey
from pandas import DataFrame

from dashboard.components.charted_time import in_zone
from dashboard.components.downloads import Source, download
from dashboard.components.zone import zone
from dashboard.serving.plotly_script import PATH

# A figure is kept for those who look at the same thing; the next step brings another.
KEPT_SECONDS = 60.0
KEPT_FIGURES = 100

# One promise for all charts of a page, whoever asks first. The page itself serves the script, for it must work without
# internet.
_LIBRARY = """
const library = () => window.chartLibrary ??= window.Plotly ? Promise.resolve() : new Promise((resolve, reject) => {
  const script = document.createElement('script');
  script.src = 'SCRIPT_URL'; script.onload = resolve;
  script.onerror = () => {
    window.chartLibrary = undefined; script.remove(); reject(new Error('no SCRIPT_URL'));
  };
  document.head.appendChild(script);
});
""".replace("SCRIPT_URL", PATH)

_JAVASCRIPT = """
export default function ({ data, parentElement }) {
  const element = parentElement.querySelector('.live-chart');
  let alive = true;
  const fail = () => { element.textContent = 'The chart library could not be loaded from this server.'; };
  const draw = () => {
    if (!alive) return;
    const figure = JSON.parse(data.figure), css = getComputedStyle(element);
    const theme = (name, fallback) => css.getPropertyValue(name).trim() || fallback;
    const grid = theme('--st-border-color', '#ccc'), text = theme('--st-text-color', '#222');
    const ground = theme('--st-background-color', '#fff');
    const axis = { gridcolor: grid, linecolor: grid, zerolinecolor: grid, automargin: true };
    const layout = { paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      hoverlabel: { bgcolor: ground, bordercolor: grid, font: { color: text } }, modebar: { bgcolor: 'rgba(0,0,0,0)' },
      colorway: theme('--st-chart-categorical-colors', '#0072b2').split(','), ...figure.layout };
    layout.font = { color: text, family: theme('--st-font', 'sans-serif'), ...(figure.layout.font || {}) };
    layout.height = data.height || layout.height; layout.autosize = true; delete layout.width;
    for (const name of new Set(['xaxis', 'yaxis', ...Object.keys(layout)]))
      if (/^[xy]axis/.test(name)) layout[name] = { ...axis, ...layout[name] };
    // Areas choose the colour of their text by their own colour, without what shines through from behind.
    for (const trace of figure.data)
      if (['treemap', 'sunburst'].includes(trace.type)) trace.textfont = { color: text, ...trace.textfont };
    // When the window changes plotly takes the height of what it stands in.
    if (layout.height) element.style.height = `${layout.height}px`;
    element.setAttribute('aria-label', data.label);
    const config = { responsive: true, ...data.config };
    window.Plotly.react(element, figure.data, layout, config);
  };
  // What stands in a closed tab is drawn when somebody opens it: it has a width then.
  const opened = new ResizeObserver(() => {
    if (element.offsetWidth) { opened.disconnect(); library().then(draw, fail); }
  });
  if (element.offsetWidth) library().then(draw, fail); else opened.observe(element);
  return () => { alive = false; opened.disconnect(); if (!element.isConnected) window.Plotly?.purge(element); };
}
"""

_HTML = "<div class='live-chart' role='img' style='min-height:60px'></div>"
# What the page needs in addition to the buttons of a small chart: zoom by drag, double click goes back.
_CONFIG: dict[str, Any] = {
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    "scrollZoom": False,
}

_mount = st.components.v2.component("flotilla_live_chart", html=_HTML, js=_LIBRARY + _JAVASCRIPT, isolate_styles=False)
_fetch = st.components.v2.component(
    "flotilla_chart_library",
    html="<span></span>",
    js=_LIBRARY + "export default function () { library().catch(() => {}); }",
    isolate_styles=False,
)


def fetch_chart_library() -> None:
    """Let the browser read the library, which takes it half a second and more, while the first figures are made."""
    _fetch(key="chart_library")


def live_chart(
    figure: go.Figure | partial[go.Figure],
    key: str,
    label: str,
    source: Source,
    *more: Source,
    height: int | None = None,
) -> None:
    """Draw a figure in place of the one that was drawn under this key before, and the download of what it shows.

    A figure that is drawn again and again is given as the function that plots it and its arguments: it is then plotted
    once for all who look at the same. `label` says to a screen reader what is shown; `height` in pixels overrides the
    figure's.
    """
    drawn = plotted(figure, key, zone()) if isinstance(figure, partial) else _written(figure, key, zone())
    _mount(key=key, data={"figure": drawn, "config": _CONFIG, "label": label, "height": height})
    download(key, source, *more)


def _same(plot: partial[go.Figure], key: str, zone_name: str) -> tuple[Any, ...]:
    named = {name: _known_by(argument) for name, argument in plot.keywords.items()}
    return hashkey(plot.func, key, zone_name, *map(_known_by, plot.args), **named)


def _known_by(argument: object) -> object:
    return _digest(argument) if isinstance(argument, DataFrame) else argument


def _digest(frame: DataFrame) -> bytes:
    digest = blake2b(repr(tuple(frame.dtypes.items())).encode())
    for _, column in frame.items():
        is_number = isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb"
        digest.update(column.to_numpy().tobytes() if is_number else repr(column.tolist()).encode())
    return digest.digest()


@cached(TTLCache(KEPT_FIGURES, KEPT_SECONDS), key=_same, condition=Condition())
def plotted(plot: partial[go.Figure], key: str, zone_name: str) -> str:
    """Give the figure that a plot makes, as JSON: the same one for KEPT_SECONDS wherever its arguments are the same."""
    return _written(plot(), key, zone_name)


def _written(figure: go.Figure, key: str, zone_name: str) -> str:
    figure.layout.template = None
    if figure.layout.uirevision is None:
        figure.layout.uirevision = key
    return str(plotly.io.to_json(in_zone(figure, zone_name), validate=False))
