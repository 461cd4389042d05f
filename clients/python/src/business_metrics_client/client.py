"""Asks the API: one request a question, typed by the contract."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlencode

from .answer import Answer, Known, Left
from .contract import Questions
from .problem import Problem

VERSION = "/v1"
"""The version of the API that the types are of."""

TIMEOUT_SECONDS = 15.0
"""How long a client waits for the API, which itself gives up after 10 seconds."""

SILENCE_SECONDS = 45.0
"""The server sends at least a comment every 15 seconds; after three times that, a stream counts as dead."""


class Client(Questions):
    """A client of one API with one token."""

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str],
        *,
        organization_id: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`token` is the token, or gives the token of the moment; `headers` are sent with every request.

        `organization_id` is which of the token's organizations is meant; its only one, or its own, without it. A method's
        argument of the same name comes first.
        """
        self._url = url.rstrip("/") + VERSION
        self._token = token
        self._timeout = timeout
        self._headers = {**(headers or {}), **_set({"organization-id": organization_id})}

    def versions(self, *, after: str | None = None) -> Iterator[str]:
        """The versions of the organization's numbers, as one connection tells them: each means "ask again".

        It ends when the server ends it; then open another, with the last version as `after`.
        """
        headers = {"accept": "text/event-stream", "last-event-id": after}
        with self._send("GET", "/metrics/stream", headers=headers, timeout=SILENCE_SECONDS) as response:
            event: dict[str, str] = {}
            for line in response:
                # An empty line ends an event, whose fields come in any order; a line without a name is a comment.
                field, _, value = line.decode().rstrip("\r\n").partition(":")
                if field:
                    event[field] = value.removeprefix(" ")
                elif not value:
                    if event.get("event") == "version" and "data" in event:
                        yield event.get("id", "")
                    event = {}

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object] | None = None,
        body: object = None,
        known: Known | None = None,
    ) -> Answer[Any]:
        sent = {"accept": "application/json", **(headers or {})}
        sent["if-none-match"] = known.etag if known else None
        try:
            with self._send(method, path, query=query, headers=sent, body=body) as response:
                return _answer(response.headers, _body(response), unchanged=False)
        except Problem as problem:
            if problem.status == 304 and known is not None:
                return _answer(problem.headers, known.body, unchanged=True)
            raise

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, object],
        body: object = None,
        timeout: float | None = None,
    ) -> HTTPResponse:
        parameters = urlencode(_set(query or {}))
        request = urllib.request.Request(f"{self._url}{path}{'?' if parameters else ''}{parameters}", method=method)
        token = self._token if isinstance(self._token, str) else self._token()
        if body is not None:
            request.data = json.dumps(body).encode()
            headers = {**headers, "content-type": "application/json"}
        for name, value in {**self._headers, **_set(headers), "authorization": f"Bearer {token}"}.items():
            request.add_header(name, value)
        try:
            response: HTTPResponse = urllib.request.urlopen(request, timeout=timeout or self._timeout)
        except urllib.error.HTTPError as refused:
            with refused:
                raise Problem.of(refused.code, refused.headers, refused.read()) from None
        return response


def _set(values: Mapping[str, object]) -> dict[str, str]:
    """What is set, as text."""
    return {name: str(value) for name, value in values.items() if value is not None}


def _body(response: HTTPResponse) -> Any:
    read = response.read()
    if not read:
        return None
    is_json = "json" in response.headers.get("content-type", "")
    return json.loads(read) if is_json else read.decode()


def _answer(headers: Message, body: Any, *, unchanged: bool) -> Answer[Any]:
    """The body may be an older copy with the same numbers. How fresh these are is told by the headers."""
    stale = False
    if isinstance(body, dict):
        # An overview says it of its parts.
        stale = not unchanged and any(_is_stale(one) for one in (body, *body.values()))
        through, at = headers.get("complete-through"), headers.get("generated-at")
        fresh = {"completeThrough": None if through == "null" else through} if through else {}
        body = {**body, **fresh, **({"generatedAt": at} if at else {})}
    age = headers.get("age") or ""
    return Answer(
        body=body,
        etag=headers.get("etag"),
        age_seconds=max(1, int(age) if age.isdigit() else 1) if stale else 0,
        unchanged=unchanged,
        left=_left(headers.get("ratelimit") or ""),
    )


def _is_stale(answer: Any) -> bool:
    """Whether the API could only send what it last knew."""
    return isinstance(answer, dict) and answer.get("stale") is True


def _left(limit: str) -> Left | None:
    """`RateLimit: "organization";r=194;t=1` (draft-ietf-httpapi-ratelimit-headers-10)."""
    found = re.search(r";r=(\d+);t=(\d+)", limit)
    return Left(int(found[1]), int(found[2])) if found else None
