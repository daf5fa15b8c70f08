"""What a stranger stumbled over: signs, room, buttons that moved, periods that were not carried along."""

from functools import partial
from urllib.parse import parse_qs

import plotly.graph_objects as go
import pytest
from pandas import DataFrame
from streamlit.testing.v1 import AppTest

from dashboard.components.cells import cells, decimals_of
from dashboard.components.live_chart import plotted
from dashboard.components.reasons import MEANINGS
from dashboard.components.words import signed_percent
from shared.enums import Reason
from shared.money import Money
from tests.dashboard.views.conftest import Folder, OpenPage, texts
from tests.dashboard.views.grids import elements, grids


def drawn(**columns: list[object]) -> DataFrame:
    frame = DataFrame(columns)
    found = {name: cells(frame, name, Money("USDT"), decimals_of(frame), False, False) for name in frame}
    return DataFrame({name: [*column.texts, column.is_long] for name, column in found.items()})


def test_a_return_carries_its_sign_as_small_as_it_is() -> None:
    written = ["+0.62%", "-1.00%", "-0.00%", "+0.00%"]
    returns = [0.0062, -0.01, -0.00001, -0.0]
    found = drawn(return_fraction=returns, win_rate=[0.5, 0.25, 1.0, 0.0])
    assert found["return_fraction"].tolist()[:4] == written == [signed_percent(one) for one in returns]
    assert found["win_rate"].tolist()[:4] == ["50.00%", "25.00%", "100.00%", "0.00%"]


def test_short_sentences_take_no_more_room_than_they_need() -> None:
    short, long = "portfolio released", "closed 16 positions worth 10,658.58 at the last price"
    assert drawn(answer=[short, short])["answer"].tolist()[-1] is False
    assert drawn(answer=[short, long])["answer"].tolist()[-1] is True


def test_a_figure_is_plotted_by_all_its_arguments() -> None:
    def figure(values: DataFrame, title: str = "", height: int = 100) -> go.Figure:
        return go.Figure(go.Scatter(y=values["y"].tolist()), layout={"title": title, "height": height})

    values, others = DataFrame({"y": [1.0]}), DataFrame({"y": [2.0]})
    plots = (
        partial(figure, values),
        partial(figure, values, title="named"),
        partial(figure, values, title="named", height=300),
        partial(figure, values=others, title="named"),
    )
    made = [plotted(plot, "k", "UTC") for plot in plots]
    assert len(set(made)) == len(plots)
    assert '"named"' in made[1] and "300" in made[2]
    assert plotted(partial(figure, values, title="named"), "k", "UTC") is made[1], "and once for the same ones"


def test_the_zoom_of_the_drawdown_stands_above_its_chart(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "overview")
    ids = [str(getattr(element.proto, "id", "")) for element in elements(app.main)]
    places = [
        next(at for at, one in enumerate(ids) if one.endswith(f"-{key}")) for key in ("equity", "scale", "drawdown")
    ]
    assert places == sorted(places)


def test_the_question_of_losses_is_asked_of_the_period_on_show(folder: Folder, open_page: OpenPage) -> None:
    assert asked(open_page(folder("seeded"), "overview")) == {"period": ["30d"]}
    assert asked(open_page(folder("seeded"), "overview", period="7d")) == {"period": ["7d"]}


def asked(app: AppTest) -> dict[str, list[str]]:
    (link,) = (link.proto for link in app.main.get("page_link") if "lost most" in link.proto.label)
    return parse_qs(link.query_string)


def test_the_worker_is_told_of_in_two_lines_whatever_its_age(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "overview")
    said = [caption.value for caption in app.sidebar.caption if "worker" in caption.value]
    assert [len(one.splitlines()) for one in said] == [2]
    assert "last step" in said[0].splitlines()[1]


@pytest.mark.parametrize("reason", [Reason.HALTED, Reason.FLATTEN, Reason.NO_ENTRIES])
def test_a_level_that_decided_is_not_measured_against_itself(reason: Reason) -> None:
    assert MEANINGS[reason].is_level
    assert not MEANINGS[Reason.HOLD].is_level


def test_steps_of_many_bots_are_not_added_up(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "decisions")
    (fleet,) = (grid for grid in grids(app) if grid.label == "Fleet decisions")
    assert len(fleet.value) > 1 and not fleet.totals


def test_a_reason_is_said_to_be_needed(folder: Folder, open_page: OpenPage) -> None:
    app = open_page(folder("seeded"), "control")
    app.button("ask_PAUSE_PORTFOLIO_").click().run()
    assert app.text_input("command_reason").placeholder == "needed"
    assert app.button("command_send").disabled
    assert "No entries" in texts(app)
