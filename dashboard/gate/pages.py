"""The pages of the gate: plain HTML without script, font or picture, light and dark, readable on a phone."""

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --paper: #f6f7f9; --card: #fff; --line: #c3ccd5; --act: #0b5cad;
  --bad: #a3260f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --paper: #10161c; --card: #18212a; --line: #3a4754;
  --act: #6fb1f0; --bad: #ff9d87; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 22rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 0.75rem; }
h1 { margin: 0 0 0.25rem; font-size: 1.5rem; }
p { margin: 0 0 1.25rem; }
p[role=alert] { color: var(--bad); font-weight: 600; }
code { font-size: 0.95em; overflow-wrap: anywhere; }
label { display: block; margin-bottom: 1rem; font-weight: 600; }
input { display: block; width: 100%; margin-top: 0.25rem; padding: 0.6rem 0.7rem; font: inherit; color: inherit;
  background: var(--paper); border: 1px solid var(--line); border-radius: 0.4rem; }
button, a.button { display: block; width: 100%; padding: 0.65rem; font: inherit; font-weight: 600; text-align: center;
  text-decoration: none; color: var(--card); background: var(--act); border: 0; border-radius: 0.4rem; cursor: pointer;
  margin-top: 0.75rem; }
:focus-visible { outline: 3px solid var(--act); outline-offset: 2px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def sign_in_page(
    next_path: str, complaint: str = "", passwords: bool = True, providers: dict[str, str] | None = None
) -> str:
    """Write the page that asks who you are; `providers` are OIDC sign-ins, their address by their name."""
    said = f'<p role="alert">{escape(complaint)}</p>' if complaint else "<p>Sign in to see the fleet.</p>"
    form = (
        '<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(next_path)}">'
        '<label>Name<input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required '
        "autofocus></label>"
        '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>'
        '<button type="submit">Sign in</button></form>'
    )
    links = "".join(
        f'<a class="button" href="{escape(address)}">Sign in with {escape(name)}</a>'
        for name, address in (providers or {}).items()
    )
    return _document("Sign in", said + (form if passwords else "") + links)


def link_page(next_path: str, complaint: str = "") -> str:
    """Write the page that says how to come in as long as no password is set."""
    return _document(
        "Sign in",
        (f'<p role="alert">{escape(complaint)}</p>' if complaint else "")
        + "<p>Open the link that <code>make run</code> printed. For a new one, type in the project's folder:</p>"
        "<p><code>.venv/bin/flotilla dashboard link</code></p>"
        '<form method="post" action="/login">'
        f'<input type="hidden" name="next" value="{escape(next_path)}">'
        '<label>Or paste the link here<input name="link" autocomplete="off" autocapitalize="none" spellcheck="false" '
        "required autofocus></label>"
        '<button type="submit">Sign in</button></form>',
    )


def sign_out_page(name: str) -> str:
    """Write the page that asks whether to sign out."""
    return _document(
        "Sign out",
        f"<p>You are signed in as {escape(name)}.</p>"
        '<form method="post" action="/logout"><button type="submit">Sign out</button></form>'
        '<a class="button" href="/">Back to the fleet</a>',
    )


def leaving_page(address: str) -> str:
    """Write the page that goes on to another by itself.

    Where a form was sent, browsers let no redirect lead to another site (`form-action`), as the sign-out of a provider
    does; a page that goes on is no redirect.
    """
    return _document(
        "Signed out",
        f'<p>You are signed out here.</p><a class="button" href="{escape(address)}">Sign out at your provider, too</a>',
        f'<meta http-equiv="refresh" content="0; url={escape(address)}">',
    )


def sentence_page(title: str, sentence: str) -> str:
    """Write a page that says one sentence."""
    return _document(title, f'<p role="alert">{escape(sentence)}</p>')


def page_response(page: str, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Give a page as an answer nobody keeps."""
    always = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(page, status, {**always, **(headers or {})})


def _document(title: str, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{head}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Flotilla</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>Flotilla</h1>{body}</main></body></html>"
    )
