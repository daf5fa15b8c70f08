"""A small OpenID Connect provider on this machine: discovery, consent, tokens, keys, and the end of a session."""

import hashlib
import secrets
import socket
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "flotilla", "a secret of the client"


@dataclass
class Provider:
    """Who is signed in there, and what it was asked."""

    port: int = 0
    # What it says of whoever is signed in.
    person: dict[str, Any] = field(default_factory=dict)
    audience: str = CLIENT_ID
    # Changes of a sign-in under way, to see them refused.
    nonce: str | None = None
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "of the tests", "use": "sig"}))
    signing: RSAKey | None = None
    asked: list[str] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def section(self) -> str:
        """Give the part of secrets.toml that names it."""
        return (
            f'client_id = "{CLIENT_ID}"\nclient_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{self.issuer}/.well-known/openid-configuration"\n'
        )

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self._metadata),
            Route("/authorize", self._authorize),
            Route("/consent", self._consent),
            Route("/token", self._token, methods=["POST"]),
            Route("/jwks", self._keys),
            Route("/end", self._end),
        ]

    async def _metadata(self, _: Request) -> Response:
        paths = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "jwks_uri": "/jwks",
            "end_session_endpoint": "/end",
        }
        return JSONResponse(
            {
                "issuer": self.issuer,
                **{name: self.issuer + path for name, path in paths.items()},
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT_ID and asked["response_type"] == "code"
        assert {"openid", "email"} <= set(asked["scope"].split()) and asked["code_challenge_method"] == "S256"
        self.asked.append("authorize")
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return HTMLResponse(f'<h1>A provider</h1><a href="/consent?code={code}">Yes, it is me</a>')

    async def _consent(self, request: Request) -> Response:
        code = request.query_params["code"]
        asked = self._codes[code]
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"] or not _proves(form, asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.asked.append("token")
        now_s = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "1",
            "aud": self.audience,
            "iat": now_s,
            "exp": now_s + 300,
            "nonce": self.nonce or asked["nonce"],
            **self.person,
        }
        token = jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.signing or self.key)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _end(self, request: Request) -> Response:
        self.asked.append("end")
        self.person = {}
        return RedirectResponse(request.query_params["post_logout_redirect_uri"], 302)


def _proves(form: dict[str, str], asked: dict[str, str]) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]


@contextmanager
def serving() -> Iterator[Provider]:
    """Serve a provider until the test is over."""
    provider = Provider()
    listening = socket.create_server(("127.0.0.1", 0))
    provider.port = listening.getsockname()[1]
    config = uvicorn.Config(Starlette(routes=provider.routes()), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
