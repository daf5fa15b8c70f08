"""Sign-in by a provider in a real browser, which holds to what the page says of forms, frames and origins."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from shared.passwords import VIEWER, Account, save_account
from tests.dashboard.browser.conftest import OpenBrowser
from tests.dashboard.browser.fleet import free_port, running_page
from tests.dashboard.views.books import make

pytest.importorskip("authlib", reason="Authlib is not installed: pip install 'flotilla[oidc]'")

from tests.dashboard.gate.provider import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_signing_in_and_out_by_a_provider(tab: OpenBrowser, tmp_path: Path) -> None:
    root, port, passwords = make("seeded", tmp_path / "books"), free_port(), tmp_path / "outside" / "passwords.json"
    save_account(passwords, Account("bo@example.com", VIEWER, None))
    (root / ".streamlit").mkdir()
    with serving() as provider:
        provider.person = {"email": "bo@example.com", "email_verified": True}
        general = (
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
            'cookie_secret = "long enough to be a secret of cookies"\n'
        )
        (root / ".streamlit" / "secrets.toml").write_text(general + provider.section)
        with running_page(root, port, passwords) as url:
            page = tab()
            page.goto(f"{url}/bots")
            expect(page.get_by_label("Password")).to_have_count(0)
            page.get_by_role("link", name="Sign in with your account").click()
            page.get_by_role("link", name="Yes, it is me").click()
            expect(page.get_by_test_id("stHeading").first).to_be_visible(timeout=30_000)
            expect(page.get_by_text(re.compile("^.*bo.?@example.com, viewer$"))).to_be_visible()
            page.goto(f"{url}/logout")
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_role("link", name="Sign in with your account")).to_be_visible(timeout=15_000)
            assert provider.asked == ["authorize", "token", "end"]
            page.goto(f"{url}/bots")
            expect(page.get_by_role("link", name="Sign in with your account")).to_be_visible()
