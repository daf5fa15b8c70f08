"""An address with a password: it connects with it, and shows, dumps and keeps nothing of it."""

import copy
import doctest
import json
import pickle
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from shared import secret_url
from shared.errors import ConfigurationError
from shared.secret_url import HIDDEN, SecretUrl, secrets_of, shown_url, without_names, without_secrets
from shared.settings import Settings, load_settings

SECRET = "sesame"
# As written, and as it is shown.
SHOWN = [
    ("sqlite:///state/flotilla.db", "sqlite:///state/flotilla.db"),
    ("sqlite:////home/anna/books@home.db", "sqlite:////home/anna/books@home.db"),
    ("sqlite:///state/flotilla.db?password=sesame", "sqlite:///state/flotilla.db"),
    ("sqlite://me:sesame@/state/flotilla.db", "sqlite:///state/flotilla.db"),
    ("postgresql://host/books", "postgresql://host/books"),
    ("postgresql://me:sesame@host:5432/books", "postgresql://host:5432/books"),
    ("postgresql+psycopg://sesame@host/books", "postgresql+psycopg://host/books"),
    ("postgresql://me:%73esame%40@host/books", "postgresql://host/books"),
    ("postgresql://me:ses@me/sesame@host/books", "postgresql://host/books"),
    ("postgresql://me:sesame@a:5432,b:5433/books", "postgresql://a:5432,b:5433/books"),
    ("postgresql://me:sesame@[::1]:5432/books", "postgresql://[::1]:5432/books"),
    ("postgresql:///books?host=/run/pg&user=sesame", "postgresql:///books?host=/run/pg"),
    ("postgresql:///books?host=a:1&host=b:2&password=sesame", "postgresql:///books?host=a:1&host=b:2"),
    ("postgresql://host/books?user=me&password=sesame&sslmode=require", "postgresql://host/books?sslmode=require"),
    ("postgresql://host/books?sslpassword=sesame&passfile=/sesame", "postgresql://host/books"),
    ("postgresql://host/books?sslkey=sesame&options=-c%20my.key%3Dsesame", "postgresql://host/books"),
    ("postgresql://host/books?made_up_next_year=sesame", "postgresql://host/books"),
    ("postgresql://host/books?application_name=password%3Dsesame", "postgresql://host/books"),
    ("postgresql://host/books?dbname=postgresql://me:sesame@host/x", "postgresql://host/books"),
    ("postgresql://host/books?password=ses&ame", "postgresql://host/books"),
    ("postgresql://host/password=sesame", f"postgresql://host/{HIDDEN}"),
    ("postgresql://me:sesa?me@host/books", f"postgresql://{HIDDEN}"),
    ("postgresql://me:12?sesame@host/books", f"postgresql://{HIDDEN}"),
    ("postgresql://me:sesame", f"postgresql://{HIDDEN}"),
    ("mysql://me:sesame@host/books", "mysql://host/books"),
    ("host=a password=sesame", HIDDEN),
    ("se same://host", HIDDEN),
    ("flotilla.db", "flotilla.db"),
]


@pytest.mark.parametrize(("written", "shown"), SHOWN)
def test_an_address_is_shown_without_what_it_keeps_to_itself(written: str, shown: str) -> None:
    assert shown_url(written) == shown
    assert shown_url(shown) == shown or HIDDEN in shown
    assert SECRET not in shown


def test_the_examples_run() -> None:
    assert doctest.testmod(secret_url).attempted > 0


def _with(url: str) -> Settings:
    return load_settings(None, {"FLOTILLA_DATABASE__URL": url})


@pytest.mark.parametrize(("written", "shown"), SHOWN)
def test_settings_give_the_address_to_connect_with_and_no_dump_holds_it(written: str, shown: str) -> None:
    settings = _with(written)
    assert settings.database.url.reveal() == written
    assert settings.model_dump()["database"]["url"] == shown
    assert json.loads(settings.model_dump_json())["database"]["url"] == shown
    said = [repr(settings), str(settings), f"{settings.database.url}", f"{settings.database.url!r}"]
    said += [str(settings.model_dump()), settings.model_dump_json(), TypeAdapter(Settings).dump_json(settings).decode()]
    assert [text for text in said if SECRET in text] == []


def test_it_is_never_written_down_by_pickle_and_copies_are_the_same() -> None:
    url = SecretUrl("postgresql://me:sesame@host/books")
    with pytest.raises(TypeError, match=r"host/books'\) is never written down") as refused:
        pickle.dumps(url)
    assert SECRET not in str(refused.value)
    assert copy.deepcopy(url) is url and copy.copy(url) is url
    assert url == SecretUrl(url.reveal()) != SecretUrl("postgresql://me:other@host/books")
    assert _with(url.reveal()).model_copy(deep=True).database.url == url


def test_the_name_of_a_configuration_depends_on_no_secret() -> None:
    forms = ("me:sesame@host/books", "me:other@host/books", "host/books?user=me&password=sesame", "host/books")
    assert len({_with(f"postgresql://{form}").digest() for form in forms}) == 1
    assert _with("postgresql://me:sesame@host/books").digest() != _with("postgresql://me:sesame@host/other").digest()


def test_settings_without_a_secret_are_named_as_they_were_before_there_were_any() -> None:
    assert Settings().model_dump(mode="json")["database"] == {"url": "sqlite:///state/flotilla.db"}


@pytest.mark.parametrize(
    "override",
    [
        'database.url=["postgresql://me:sesame@host/books"]',
        "database=postgresql://me:sesame@host/books",
        "database.url.postgresql=me:sesame",
        "database.uri=postgresql://me:sesame@host/books",
        "risk.stop=postgresql://me:sesame@host/books",
        'portfolio="postgresql://me:sesame@host/books"',
        "database.url postgresql://me:sesame@host/books?password=sesame",
        "market.endpoint=http://me:sesame@127.0.0.1:8080",
        "market.endpoint=http://127.0.0.1:8080?key=sesame",
    ],
)
def test_a_refused_setting_does_not_repeat_a_secret(override: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(None, {}, [override])
    assert SECRET not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None, "a traceback would repeat it"
    assert "setting" in str(refused.value) or "override" in str(refused.value)


def test_a_settings_file_with_a_wrong_address_is_refused_without_it(tmp_path: Path) -> None:
    file = tmp_path / "flotilla.toml"
    file.write_text('[database]\nurl = {password = "sesame"}\n')
    with pytest.raises(ConfigurationError, match=r"database\.url: input should be a valid string") as refused:
        load_settings(file, {})
    assert SECRET not in str(refused.value)


def test_sentences_lose_the_secrets_they_are_told_and_what_looks_like_one() -> None:
    url = "postgresql://me:s%40same%21@host/books?sslpassword=my+key&host=b"
    assert {"s%40same%21", "s@same!", "my key", "my+key"} <= set(secrets_of(url))
    assert not {"me", "b", "host"} & set(secrets_of(url))
    said = "s@same! was wrong, so was my key; try sslpassword='x y' at https://me:pw@h/p"
    assert without_secrets(said, *secrets_of(url)) == "… was wrong, so was …; try sslpassword=… at https://h/p"
    assert without_names('authentication failed for user "me"') == "authentication failed for user …"
