"""Signing in and out: the pages /login and /logout."""

import logging
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.gate import oidc as oidc_paths
from dashboard.gate import record
from dashboard.gate.browsers import COOKIE as BROWSER_COOKIE
from dashboard.gate.browsers import Browser, Browsers
from dashboard.gate.gate import SIGN_OUT_PATH, Door, client_address, session_cookie
from dashboard.gate.hashing import RETRY_SECONDS, Crowded, Hashing
from dashboard.gate.pages import leaving_page, link_page, page_response, sentence_page, sign_in_page, sign_out_page
from dashboard.gate.people import LOCAL
from dashboard.gate.record import SigninRecord
from dashboard.gate.throttle import Throttle, TooMany
from shared.errors import ConfigurationError
from shared.links import LIFETIME_MINUTES, PARAMETER, SIGN_IN_PATH, token_of, use_link
from shared.passwords import Account, can_be_password, checked_name

LOG = logging.getLogger(__name__)
# The longest password, of four bytes a letter and each byte written as three, and room for the rest.
MOST_FORM_BYTES = 16_384
WRONG_SENTENCE = "Wrong name or password."
CROWDED_SENTENCE = f"Very many try to sign in at this moment. Try again in {RETRY_SECONDS} s."
OLD_LINK_SENTENCE = f"This link has been used, is older than {LIFETIME_MINUTES} minutes, or is not one of this fleet."
UNSAFE_LINK_SENTENCE = "Links cannot be used: the page's log says why."
NO_LINK_SENTENCE = "Passwords are set, so links open nothing any more: sign in with yours."
UNVERIFIED_SENTENCE = "Your account has no e-mail address that its provider calls verified."


class _Refusal(NamedTuple):
    what: str
    known: str | None
    sentence: str
    status: int
    retry_seconds: int = 0


class SignIn:
    """Signs people in and out."""

    def __init__(self, door: Door, throttle: Throttle, signins: SigninRecord, root: Path) -> None:
        self._door = door
        self._root = root
        self._throttle = throttle
        self._record = signins
        self._hashing = Hashing()
        self._browsers = Browsers(door.people, door.clock)

    def routes(self) -> list[Route]:
        """Give the routes, for `st.App`."""
        return [
            Route(SIGN_IN_PATH, self._ask, methods=["GET"]),
            Route(SIGN_IN_PATH, self._sign_in, methods=["POST"]),
            Route(SIGN_OUT_PATH, self._ask_out, methods=["GET"]),
            Route(SIGN_OUT_PATH, self._sign_out, methods=["POST"]),
        ]

    async def _ask(self, request: Request) -> Response:
        target = safe_path(request.query_params.get("next", "/"))
        link = request.query_params.get(PARAMETER)
        if link is not None and _is_opened(request):
            return self._by_link(request, link, target)
        if self._door.session(request) is not None:
            return RedirectResponse(target, 303)
        oidc = self._door.oidc
        if oidc is not None and oidc.vouches_for_nobody(request.cookies):
            self._record.write(record.NOT_VERIFIED, None, client_address(request))
            return self._page(target, UNVERIFIED_SENTENCE, 403)
        email = oidc.email(request.cookies) if oidc is not None else None
        if email is None:
            return self._page(target)
        self._record.write(record.NOT_LISTED, email, client_address(request))
        return self._page(target, f"{email} is not among those who may see this fleet.", 403)

    async def _sign_in(self, request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return self._page("/", "The form was too long.", 413)
        target, address = safe_path(form.get("next", "/")), client_address(request)
        if self._door.people.trouble():
            return self._page(target)
        if PARAMETER in form or self._door.opens_by_link():
            return self._by_link(request, token_of(form.get(PARAMETER, "")), target)
        found = await self._account(form, address, self._browser(request))
        if isinstance(found, _Refusal):
            self._record.write(found.what, found.known, address)
            retry = {"Retry-After": str(found.retry_seconds)} if found.retry_seconds else None
            return self._page(target, found.sentence, found.status, retry)
        return self._begun(request, found, target)

    def _by_link(self, request: Request, token: str, target: str) -> Response:
        if not self._door.opens_by_link():
            return self._page(target, NO_LINK_SENTENCE, 401)
        try:
            right = use_link(self._root, token, self._door.clock.now_ms())
        except (ConfigurationError, OSError) as error:
            LOG.error("nobody can sign in by a link: %s", error)
            return self._page(target, UNSAFE_LINK_SENTENCE, 503)
        if right:
            return self._begun(request, LOCAL, target)
        if self._door.session(request) is not None:
            # Who came by it before comes back to it.
            return RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        self._record.write(record.WRONG_LINK, None, client_address(request))
        return self._page(target, OLD_LINK_SENTENCE, 401)

    def _begun(self, request: Request, account: Account, target: str) -> Response:
        self._record.write(record.SIGNED_IN, account.name, client_address(request))
        response = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        secure = request.url.scheme == "https"
        if account.password is not None:
            browser = self._browsers.cookie(self._browser(request), account.name, secure)
            response.headers.append("set-cookie", browser)
        cookie = session_cookie(self._door.sessions.begin(account), secure)
        response.headers.append("set-cookie", cookie)
        return response

    def _browser(self, request: Request) -> Browser:
        return self._browsers.read(request.cookies.get(BROWSER_COOKIE, ""))

    async def _account(self, form: dict[str, str], address: str, browser: Browser) -> "Account | _Refusal":
        """Give the account whose password was sent."""
        password, (name, account) = form.get("password", ""), self._find(form.get("name", ""))
        known = account.name if account is not None else None
        wrong = _Refusal(record.WRONG, known, WRONG_SENTENCE, 401)
        if not name or not can_be_password(password):
            # Nobody's, whoever they are: it is no guess, and takes nobody's time.
            return wrong
        try:
            made = self._throttle.begin(name, address, browser)
        except TooMany as error:
            sentence = f"Too many tries. Wait {_minutes(error.wait_seconds)}."
            return _Refusal(record.SLOWED, known, sentence, 429, error.wait_seconds)
        kept = account.password if account is not None else None
        try:
            right = await self._hashing.matches(password, kept, lambda: self._throttle.standing(made))
        except Crowded:
            self._throttle.take_back(made)
            return _Refusal(record.CROWDED, known, CROWDED_SENTENCE, 503, RETRY_SECONDS)
        if not right or account is None:
            return wrong
        self._throttle.forgive(made)
        return account

    async def _ask_out(self, request: Request) -> Response:
        session = self._door.session(request)
        return page_response(sign_out_page(session.person.name)) if session else RedirectResponse("/", 303)

    async def _sign_out(self, request: Request) -> Response:
        session = self._door.session(request)
        response: Response = RedirectResponse(SIGN_IN_PATH, 303, {"Cache-Control": "no-store"})
        if session is not None:
            self._door.sessions.end(session)
            self._record.write(record.SIGNED_OUT, session.person.name, client_address(request))
            if oidc_paths.COOKIE in request.cookies and self._door.oidc is not None:
                response = page_response(leaving_page(oidc_paths.END_PATH))
        response.headers.append("set-cookie", session_cookie("", request.url.scheme == "https", max_age=0))
        return response

    def _find(self, text: str) -> tuple[str, Account | None]:
        try:
            name = checked_name(text)
        except ConfigurationError:
            return "", None
        return name, self._door.people.find(name)

    def _page(
        self, target: str, complaint: str = "", status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        if self._door.opens_by_link():
            return page_response(link_page(target, complaint), status, headers)
        trouble = self._door.people.trouble()
        if trouble:
            sentence = f"Nobody can sign in, for {trouble}: the page's log says what to do."
            return page_response(sentence_page("Sign in", sentence), 503)
        providers = self._door.oidc.links() if self._door.oidc is not None else None
        passwords = not providers or self._door.people.has_passwords()
        page = sign_in_page(target, complaint, passwords, providers)
        return page_response(page, status, headers)


def _is_opened(request: Request) -> bool:
    """Tell whether somebody opens an address, and no program looks ahead at what is there."""
    ahead = request.headers.get("sec-purpose", "") + request.headers.get("purpose", "")
    return request.method == "GET" and "prefetch" not in ahead


def safe_path(text: str) -> str:
    """Give a path of this page; anything that could lead elsewhere becomes its first page."""
    leads_elsewhere = not text.startswith("/") or text.startswith("//") or "\\" in text
    return "/" if leads_elsewhere or not text.isprintable() or text.startswith((SIGN_IN_PATH, SIGN_OUT_PATH)) else text


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM_BYTES:
                return None
    except ClientDisconnect:
        return None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10)
    except ValueError:
        return None
    return {name: values[-1] for name, values in fields.items()}


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{-(-seconds // 60)} min"
