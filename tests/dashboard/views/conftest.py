"""Opens pages on the books of every state a fleet can be in."""

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import loaders
from dashboard.gate import person, seal
from tests.dashboard.views import books

APP = Path(__file__).parents[3] / "dashboard" / "app.py"

OpenPage = Callable[..., AppTest]
Folder = Callable[[str], Path]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Give the folder of a state; each is made once."""
    made: dict[str, Path] = {}

    def make(state: str) -> Path:
        if state not in made:
            made[state] = books.make(state, tmp_path_factory.mktemp("books") / state)
        return made[state]

    return make


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open a page as a browser would that is at this address for the first time."""

    def open_(folder: Path, page: str, role: str = "operator", **query: str | list[str]) -> AppTest:
        monkeypatch.chdir(folder)
        named = {person.USER_HEADER: "ann", person.ROLE_HEADER: role, seal.HEADER: seal.SEAL}
        monkeypatch.setattr(person, "_headers", lambda: named)
        loaders.forget()
        st.cache_resource.clear()
        app = AppTest.from_file(str(APP), default_timeout=60)
        for name, value in query.items():
            app.query_params[name] = value
        return app.switch_page(f"views/{page}.py").run()

    return open_


def texts(app: AppTest) -> str:
    """Give everything a page says in words, in order."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "warning", "info", "success")
    found = [str(element.value) for kind in kinds for element in getattr(app, kind)]
    found += [f"{metric.label}: {metric.value}" for metric in app.metric]
    return "\n".join(found)
