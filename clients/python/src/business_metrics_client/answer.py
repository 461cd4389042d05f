"""An answer, and what its headers say."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Body = TypeVar("Body", covariant=True)


@dataclass(frozen=True)
class Left:
    """What is left of the organization's rate."""

    requests: int
    """So many requests."""
    seconds: int
    """In so many seconds there are more."""


@dataclass(frozen=True)
class Answer(Generic[Body]):
    """An answer of the API."""

    body: Body
    """The answer itself."""
    etag: str | None
    """Names its numbers; None if the API could only send its last known answer."""
    age_seconds: int
    """How old it was when it was sent: 0 unless the API could only send its last known answer."""
    unchanged: bool
    """Whether the numbers are those of the answer that was `known`."""
    left: Left | None
    """What is left of the organization's rate; None without a limit."""


Known = Answer[Any]
