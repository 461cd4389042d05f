"""A refused request: problem details (RFC 9457)."""

import json
from email.message import Message
from typing import Any


class Problem(Exception):
    """The API, or somebody before it, refuses the request."""

    def __init__(self, status: int, details: dict[str, Any] | None, headers: Message) -> None:
        found = details or {}
        after = headers.get("retry-after") or ""
        super().__init__(found.get("detail") or found.get("title") or f"status {status}")
        self.status = status
        """The HTTP status."""
        self.details = details
        """What the API says of it, as the contract's `Problem`; None if it wasn't the API that refused."""
        self.headers = headers
        """The response's headers."""
        self.retry_after_seconds = int(after) if after.isdigit() else None
        """After how many seconds to try again; None if nobody says."""

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status == 429 or self.status >= 500

    @classmethod
    def of(cls, status: int, headers: Message, body: bytes) -> "Problem":
        """Reads a response that is no answer."""
        try:
            details = json.loads(body)
        except ValueError:
            details = None  # a proxy's page, or no body
        is_problem = isinstance(details, dict) and "type" in details and "title" in details
        return cls(status, details if is_problem else None, headers)
