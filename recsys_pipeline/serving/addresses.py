"""Ids in addresses: any text is one, also with slashes or line breaks in it."""

from typing import Final

from starlette.convertors import Convertor, register_url_convertor


class _AnyText(Convertor[str]):
    """Everything but nothing; Starlette's own ``path`` stops at a line break."""

    regex = r"[\s\S]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("any_text", _AnyText())

USER: Final = "{user_id:any_text}"
"""A user in the template of a route. Of two routes the one with more after the id goes first."""
MOVIE: Final = "{movie_id:any_text}"
"""A movie, likewise."""
