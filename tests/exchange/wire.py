"""Requests and answers as they cross the wire, whatever carries them, and how a face is asked."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from tests.exchange.accounts import Account, Key
from tests.exchange.engine import Exchange
from tests.exchange.exact import exact, text
from tests.exchange.orders import Refused, Why

Query = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """What was asked. `arrived_ms` is the exchange's time when it came, however late it is processed."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"
    arrived_ms: int = 0

    def header(self, name: str) -> str:
        """Give a header, however it is spelt."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def parameters(self) -> dict[str, str]:
        """Give what query and form or JSON body say."""
        said = dict(parse_qsl(self.query, keep_blank_values=True))
        if self.body.startswith(("{", "[")):
            document = json.loads(self.body)
            fields = document if isinstance(document, dict) else {}
            return said | {key: _plain(value) for key, value in fields.items()}
        return said | dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """An error as an exchange sends it."""

    def __init__(self, code: object, message: str, status: int = 400, body: object = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "msg": message} if body is None else body


class Right(Enum):
    """What a key must be allowed for a request."""

    NONE = auto()
    READ = auto()
    TRADE = auto()


@dataclass(frozen=True)
class Call:
    """A request a face answers: its parameters (those in the path too), and whose it is where it was signed."""

    parameters: Mapping[str, str]
    owner: Account | None = None
    key: Key | None = None

    @property
    def account(self) -> Account:
        """Give whose request it is."""
        assert self.owner is not None, "only signed requests have an account"
        return self.owner

    def text(self, name: str, default: str | None = None) -> str:
        """Give a parameter. Raises Refused where it is missing and has no default."""
        value = self.parameters.get(name) or default
        if value is None:
            raise Refused(Why.PARAMETER, name)
        return value

    def number(self, name: str) -> Decimal | None:
        """Give a number, None without. Raises Refused where it is none."""
        value = self.parameters.get(name)
        if not value:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise Refused(Why.PARAMETER, name) from None
        if not number.is_finite():
            raise Refused(Why.PARAMETER, name)
        return number

    def integer(self, name: str) -> int | None:
        """Give a whole number, None without. Raises Refused where it is none."""
        value = self.parameters.get(name)
        if not value:
            return None
        if not re.fullmatch(r"-?\d+", value):
            raise Refused(Why.PARAMETER, name)
        return int(value)

    def flag(self, name: str) -> bool:
        """Say whether a parameter is true."""
        return self.parameters.get(name, "").lower() == "true"


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """What answers a method and a path; `{name}` in the path becomes a parameter."""

    method: str
    path: str
    handler: Handler
    right: Right = Right.NONE

    def match(self, request: Request) -> dict[str, str] | None:
        """Give what the path says, None where it is another path."""
        if request.method != self.method:
            return None
        found = _pattern(self.path).fullmatch(request.path)
        return None if found is None else found.groupdict()


class Face:
    """An exchange's own language over the engine. Subclasses have routes, and say how it signs and refuses."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.routes: list[Route] = []

    def handle(self, request: Request) -> Reply:
        """Answer a request, now."""
        try:
            return self.succeed(request, self.document(request))
        except Refusal as refusal:
            return Reply(refusal.status, json.dumps(refusal.body))

    @exact
    def document(self, request: Request) -> Any:
        """Give what is answered as JSON. Raises Refusal."""
        for route in self.routes:
            named = route.match(request)
            if named is None:
                continue
            self.exchange.catch_up()
            try:
                owner, key = (None, None) if route.right is Right.NONE else self.authenticate(request, route.right)
                return route.handler(Call(request.parameters() | named, owner, key))
            except Refused as refused:
                raise self.refuse(request, refused) from refused
        raise self.unknown(request)

    def succeed(self, request: Request, document: Any) -> Reply:
        """Wrap what was answered."""
        return Reply(200, json.dumps(document))

    def authenticate(self, request: Request, right: Right) -> tuple[Account, Key]:
        """Find out whose request it is. Raises Refusal where it is not signed as it must be."""
        raise NotImplementedError

    def refuse(self, request: Request, refused: Refused) -> Refusal:
        """Say a refusal of the engine in the exchange's words."""
        raise NotImplementedError

    def unknown(self, request: Request) -> Refusal:
        """Say that there is no such path."""
        return Refusal(-1, f"no such endpoint {request.method} {request.path}", 404)


def texts(**numbers: Decimal | int | float) -> dict[str, str]:
    """Give numbers as exchanges send them: as text."""
    return {name: text(number) if isinstance(number, Decimal) else str(number) for name, number in numbers.items()}


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
