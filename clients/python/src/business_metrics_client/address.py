"""Parts of an address."""

from urllib.parse import quote


def part(value: object) -> str:
    """A value as one part of a path."""
    return quote(str(value), safe="")
