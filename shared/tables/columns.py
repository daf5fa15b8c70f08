"""The kinds of columns all tables are made of.

Times are int64 milliseconds UTC, numbers float64, closed vocabularies the names of their enum (kept in `info["enum"]`,
so that rows can be read back as members and an unknown name is refused before it is written).
"""

from enum import Enum
from typing import Annotated, Any

from sqlalchemy import BigInteger, Double, Integer, Text
from sqlmodel import Field, SQLModel

# Alembic can only alter what has a name, and both databases must agree on it.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Whole = Annotated[int, Field(sa_type=BigInteger)]
MaybeWhole = Annotated[int | None, Field(sa_type=BigInteger)]
Number = Annotated[float, Field(sa_type=Double)]
MaybeNumber = Annotated[float | None, Field(sa_type=Double)]
Words = Annotated[str, Field(sa_type=Text)]
MaybeWords = Annotated[str | None, Field(sa_type=Text)]

# SQLite counts up by itself only where the type of the key is exactly INTEGER.
RowId = Annotated[int | None, Field(sa_type=BigInteger().with_variant(Integer, "sqlite"), primary_key=True)]


def key(kind: type = BigInteger) -> Any:
    """Make a column part of the primary key."""
    return Field(sa_type=kind, primary_key=True, sa_column_kwargs={"autoincrement": False})


def later() -> Any:
    """Make a whole number of a column that came later: rows from before it have 0."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


def later_number() -> Any:
    """Make a number of a column that came later: rows from before it have 0."""
    return Field(default=0.0, sa_type=Double, sa_column_kwargs={"server_default": "0"})


def later_named(member: Enum) -> Any:
    """Make a column that came later and holds the name of a member of an enum: rows from before it have this one."""
    kwargs = {"server_default": member.name, "info": {"enum": type(member)}}
    return Field(default=member.name, sa_type=Text, sa_column_kwargs=kwargs)


def reference(column: str, primary_key: bool = False) -> Any:
    """Make a column refer to the row of another table, such as `bot.id`."""
    extra = {"autoincrement": False} if primary_key else {}
    return Field(sa_type=BigInteger, foreign_key=column, primary_key=primary_key, sa_column_kwargs=extra)


def maybe_reference(column: str) -> Any:
    """Make a column that may refer to the row of another table."""
    return Field(default=None, sa_type=BigInteger, foreign_key=column)


def named(enum: type[Enum], primary_key: bool = False) -> Any:
    """Make a column that holds the name of a member of an enum."""
    return Field(sa_type=Text, primary_key=primary_key, sa_column_kwargs={"info": {"enum": enum}})


def maybe_named(enum: type[Enum]) -> Any:
    """Make a column that holds the name of a member of an enum, or nothing."""
    return Field(default=None, sa_type=Text, sa_column_kwargs={"info": {"enum": enum}})
