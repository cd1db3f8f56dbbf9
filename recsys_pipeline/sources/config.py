"""What a user writes about their files in recsys.toml: one small frozen class per source."""

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

TimeUnit = Literal["auto", "s", "ms", "us", "ns", "iso"]
Scale = tuple[float, float]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TableConfig(_Config):
    """How the columns and values of one table are to be read, wherever it lies."""

    section: ClassVar[str] = "source"
    """Section of recsys.toml that has the tables of its kind, for messages."""

    columns: Annotated[
        dict[str, str],
        Field(
            description="Canonical column = column of the source. Where left out, columns are "
            "recognised by their names, in English or French."
        ),
    ] = {}
    values: Annotated[
        dict[str, dict[str, str | int | float | bool]],
        Field(
            description="For a canonical column: value in the source = value in the table, such "
            'as segment = { Jeunes = "young" }.'
        ),
    ] = {}
    list_separator: Annotated[
        str | None,
        Field(min_length=1, description="Text between the items of a list; detected if left out."),
    ] = None
    time_unit: Annotated[
        TimeUnit,
        Field(description="How times are written: as numbers since 1970 (s, ms, us, ns) or dates."),
    ] = "auto"
    time_format: Annotated[
        str | None,
        Field(description="Format of dates as in strptime, such as %d/%m/%Y %H:%M."),
    ] = None
    day_first: Annotated[
        bool | None,
        Field(description="Whether 03/04/2024 is the third of April; judged where left out."),
    ] = None
    rating_scale: Annotated[
        Scale | None,
        Field(description="Lowest and highest rating possible; detected where left out."),
    ] = None
    watch_scale: Annotated[
        Scale | None,
        Field(description="Values of an unwatched and a fully watched movie, such as [0, 100]."),
    ] = None

    @model_validator(mode="after")
    def _scales_ascend(self) -> Self:
        for name, scale in (("rating_scale", self.rating_scale), ("watch_scale", self.watch_scale)):
            if scale is not None and not scale[0] < scale[1]:
                raise ValueError(f"{name} is [lowest, highest]; {list(scale)} does not ascend")
        return self


class _FilePlace(_Config):
    path: Annotated[
        str | list[str],
        Field(
            description="File, folder or glob, or a list of them; a local path (relative ones "
            "start at the folder of recsys.toml) or a URL that fsspec opens, such as "
            "s3://bucket/ratings.csv."
        ),
    ]
    separator: Annotated[
        str | None,
        Field(min_length=1, description="Text between two columns; detected where left out."),
    ] = None
    encoding: Annotated[
        str | None,
        Field(description="Encoding such as utf-8 or cp1252; detected where left out."),
    ] = None


class FileTableConfig(TableConfig, _FilePlace):
    """Where the rows of one table lie, and how its columns and values are to be read."""

    section: ClassVar[str] = "source.files"

    @property
    def paths(self) -> list[str]:
        """`path` as a list."""
        return [self.path] if isinstance(self.path, str) else list(self.path)


class FilesConfig(_Config):
    """Three tables in files; users and movies may be left out."""

    users: Annotated[
        FileTableConfig | None,
        Field(description="The users; left out, they are the user ids in the interactions."),
    ] = None
    movies: Annotated[
        FileTableConfig | None,
        Field(description="The movies; left out, they are the movie ids in the interactions."),
    ] = None
    interactions: Annotated[FileTableConfig, Field(description="Who did what with which movie.")]


class MovieLensConfig(_Config):
    """A folder with a MovieLens data set as it is unzipped."""

    path: Annotated[
        str,
        Field(description="Folder with ratings.csv, ratings.dat or u.data in it."),
    ]


class _SqlPlace(_Config):
    table: Annotated[
        str | None,
        Field(min_length=1, description="Name of the table or view, such as shop.ratings."),
    ] = None
    query: Annotated[
        str | None,
        Field(description="A SELECT to read instead of a whole table."),
    ] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("name either a table or a query")
        if self.query is not None and not re.match(r"\s*(select|with)\b", self.query, re.I):
            raise ValueError("a query begins with SELECT or WITH")
        return self


class SqlTableConfig(TableConfig, _SqlPlace):
    """A table or query, and how its columns and values are to be read."""

    section: ClassVar[str] = "source.sql"


class SqlConfig(_Config):
    """Three tables in a database; users and movies may be left out."""

    url: Annotated[
        SecretStr,
        Field(
            description="SQLAlchemy URL of any database whose driver is installed, such as "
            "postgresql+psycopg://user@host/shop. One with a password belongs in "
            "RECSYS_SOURCE__SQL__URL."
        ),
    ]
    users: Annotated[
        SqlTableConfig | None,
        Field(description="The users; left out, they are the user ids in the interactions."),
    ] = None
    movies: Annotated[
        SqlTableConfig | None,
        Field(description="The movies; left out, they are the movie ids in the interactions."),
    ] = None
    interactions: Annotated[SqlTableConfig, Field(description="Who did what with which movie.")]


class EventsConfig(_Config):
    """What came in through the API, alone or added to another source."""

    merge: Annotated[
        Literal["none", "files", "sql", "movielens", "simulated"],
        Field(
            description="The source that users, movies and earlier interactions come from; its "
            "section below [source] holds. With 'none', users and movies are those met in events."
        ),
    ] = "none"
