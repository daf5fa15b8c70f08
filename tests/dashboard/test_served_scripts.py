"""The hosts named in what is served, each with the reason why nothing goes there; a new one fails."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit

from dashboard.components import live_chart, style, watch
from dashboard.figures.theme import CONFIG
from dashboard.gate.endpoints import ENDPOINTS, OnlyListed
from dashboard.gate.pages import leaving_page, sentence_page, sign_in_page, sign_out_page
from dashboard.report.document import policy, write_report
from dashboard.report.drawing import DRAWING
from dashboard.report.looks import LOOKS
from dashboard.serving.plotly_script import script
from tests.conftest import ROOT
from tests.dashboard.gate.listed import everything
from tests.dashboard.gate.test_endpoints import matching

STATIC = Path(streamlit.__file__).parent / "static"
HOST = re.compile(r"""(?:https?|wss?):(?:\\?/){2}([a-zA-Z0-9][a-zA-Z0-9.-]*)|["'`(]//([\w-]+\.[a-zA-Z]{2,})[/"'`]""")

NAME = "the name of a vocabulary (XML, SVG, a schema), which nobody asks"
TEXT = "a licence, a source or advice, in a comment, in an error or beside a colour"
BASE = "made into an address to take one apart, and asked by nobody"
MAP = "maps fetch it; no chart is one, and the policy lets nothing be fetched from there"
PLOTLY = {
    "www.w3.org": NAME,
    "feross.org": TEXT,
    "getify.mit-license.org": TEXT,
    "github.com": TEXT,
    "syntheti.cc": TEXT,
    "maplibre.org": TEXT,
    "wiki.openstreetmap.org": TEXT,
    "plotly.com": "the logo, which is taken away (displaylogo), and advice in errors",
    "cloud.plotly.com": "where a chart is uploaded: the button is taken away (showSendToCloud), and so is the address",
    "cdn.plot.ly": "the outlines of maps, which would come from here (topojsonURL)",
    "get.webgl.org": "a click on a chart of three dimensions without WebGL; no chart has three",
    "basemaps.cartocdn.com": MAP,
    "cdn.jsdelivr.net": MAP,
    "fonts.openmaptiles.org": MAP,
    "geoserveis.icgc.cat": MAP,
    "server.arcgisonline.com": MAP,
    "tile.openstreetmap.org": MAP,
    "tilemaps.icgc.cat": MAP,
    "tiles.basemaps.cartocdn.com": MAP,
    "www.esri.com": MAP,
    "www.openstreetmap.org": MAP,
}
DEPLOY = "the menu of developers (client.toolbarMode)"
STREAMLIT = {
    "www.w3.org": NAME,
    "vega.github.io": "the schema of its charts; they are drawn without the menu that opens an editor there",
    "www.eclipse.org": NAME,
    "www.ibm.com": NAME,
    "example.com": BASE,
    "localhost": BASE,
    "query-string.invalid": BASE,
    "data.streamlit.io": "usage (browser.gatherUsageStats), and pages of its hosting, which the policy refuses",
    "share.streamlit.io": DEPLOY,
    "streamlit.io": DEPLOY,
    "www.webmproject.org": "what a recording of the screen says; the recorder is in the menu of developers",
    "www.google.com": "a link beneath an error (client.showErrorLinks)",
    "chatgpt.com": "a link beneath an error (client.showErrorLinks)",
    "discuss.streamlit.io": "advice of elements the page has not: a component that does not answer",
    "docs.streamlit.io": "advice of elements the page has not: components of the first kind, a camera",
    "fonts.gstatic.com": "the icon of the tab where it is one of Material; ours is an emoji, drawn in the browser",
    "developer.mozilla.org": "advice in the log of the browser",
    # Seen where a script cannot be loaded: how a browser forgets what it kept. It takes nothing along.
    "en.wikipedia.org": TEXT,
    **dict.fromkeys(
        [
            "atelierbram.github.io",
            "bit.ly",
            "chevrotain.io",
            "chriskempson.com",
            "clrs.cc",
            "cscorley.github.io",
            "ethanschoonover.com",
            "fb.me",
            "github.com",
            "hart-dev.com",
            "langium.org",
            "momentjs.com",
            "railscasts.com",
            "reactjs.org",
            "rolldown.rs",
            "sethawright.com",
            "tools.ieft.org",
            "tybenz.com",
            "www.apache.org",
            "www.monokai.nl",
        ],
        TEXT,
    ),
}
# Charts that fetch maps, or say where to get WebGL.
REACHING = re.compile(
    r"geo|map(box|libre)?$|^(density|choropleth|scatter)map|3d$|^(mesh|surface|volume|cone|isosurface)"
)


def hosts(text: str) -> set[str]:
    """Give the hosts a text names."""
    return {found[1] or found[2] for found in HOST.finditer(text)}


def streamlit_files() -> Iterator[tuple[str, str]]:
    """Give name and text of those of Streamlit's files that the gate lets through, the page itself among them."""
    listed = OnlyListed(everything(), ENDPOINTS)
    yield "index.html", (STATIC / "index.html").read_text()
    for path in sorted((STATIC / "static").rglob("*")):
        if path.suffix in (".js", ".css", ".svg") and matching(listed, f"/{path.relative_to(STATIC).as_posix()}"):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def served() -> dict[str, str]:
    return dict(streamlit_files())


def test_the_script_of_the_charts_names_no_host_without_a_reason() -> None:
    assert hosts(script().decode()) == PLOTLY.keys()


def test_streamlits_scripts_name_no_host_without_a_reason(served: dict[str, str]) -> None:
    named = {host: name for name, text in served.items() for host in hosts(text)}
    assert {host: name for host, name in named.items() if host not in STREAMLIT} == {}
    assert STREAMLIT.keys() - named.keys() == set(), "a host that is named no more goes out of the table"
    assert len(served) > 200


@pytest.mark.parametrize("word", ["sendDataToCloud", "Share chart", "cloud.plotly.com", "mapbox.com", "unpkg.com"])
def test_what_shares_a_chart_is_in_no_script_of_streamlit_that_is_served(word: str, served: dict[str, str]) -> None:
    assert [name for name, text in served.items() if word in text] == []
    everywhere = (path.read_text(encoding="utf-8", errors="replace") for path in (STATIC / "static" / "js").iterdir())
    assert any(word in text for text in everywhere), "the gate must have shut something"


def test_what_we_write_names_no_host_at_all() -> None:
    ours = {
        "live_chart": live_chart._LIBRARY + live_chart._JAVASCRIPT + live_chart._HTML,
        "watch": watch._JAVASCRIPT,
        "style": style._STYLE,
        "report": DRAWING
        + LOOKS
        + policy()
        + b"".join(write_report(None, "flotilla", 0)).decode().replace(script().decode(), ""),
        "gate": sign_in_page("/", "no", True) + sign_out_page("anna") + leaving_page("/x") + sentence_page("a", "b"),
    }
    assert {name: hosts(text) for name, text in ours.items()} == {name: set() for name in ours}


def test_every_chart_is_drawn_without_what_leads_elsewhere() -> None:
    text = script().decode()
    set_up = text[text.rindex("Plotly.setPlotConfig(") :]
    assert (
        '"showSendToCloud": false' in set_up and '"displaylogo": false' in set_up and '"plotlyServerURL": ""' in set_up
    )
    for option in CONFIG:
        assert re.search(rf"\b{option}:\{{valType:", text), f"plotly must still know {option}"


def test_no_page_draws_by_streamlits_own_charts_or_puts_in_what_comes_from_elsewhere() -> None:
    drawn_elsewhere = re.compile(
        r"st\.(plotly_chart|altair_chart|vega_lite_chart|pydeck_chart|map|graphviz_chart|bokeh_chart|line_chart|bar_chart"
        r"|area_chart|scatter_chart|iframe|image|video|audio|logo|file_uploader|chat_input|camera_input|audio_input"
        r"|download_button)\(|components\.v1|LinkColumn|ImageColumn|unsafe_allow_html|unsafe_allow_javascript"
    )
    sources = [path.read_text() for path in (ROOT / "dashboard").rglob("*.py")]
    assert [found[0] for text in sources for found in drawn_elsewhere.finditer(text)] == []
    assert len(sources) > 100
    assert drawn_elsewhere.search("    st.plotly_chart(figure)")


def test_no_figure_is_a_map_or_has_three_dimensions() -> None:
    made = {
        kind.lower()
        for path in (ROOT / "dashboard").rglob("*.py")
        for kind in re.findall(r"\bgo\.([A-Z]\w+)", path.read_text())
    }
    assert {"scatter", "bar", "candlestick"} <= made
    assert [kind for kind in made - {"heatmap", "treemap"} if REACHING.search(kind)] == []
    assert REACHING.search("scattergeo") and REACHING.search("choroplethmap") and REACHING.search("scatter3d")
