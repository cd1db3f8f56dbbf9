"""What a user writes about their files in recsys.toml: one small frozen class per source."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

TimeUnit = Literal["auto", "s", "ms", "us", "ns", "iso"]
Scale = tuple[float, float]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileTableConfig(_Config):
    """Where the rows of one table lie, and how its columns and values are to be read."""

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
    columns: Annotated[
        dict[str, str],
        Field(
            description="Canonical column = column of the file. Where left out, columns are "
            "recognised by their names, in English or French."
        ),
    ] = {}
    values: Annotated[
        dict[str, dict[str, str | int | float | bool]],
        Field(
            description="For a canonical column: value in the file = value in the table, such "
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
