"""What the client sends, and how it reads what comes back, beside a server of its own."""

import json
import sys
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from business_metrics_client import Client, Left, Problem

Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def beside(answer: Callable[[BaseHTTPRequestHandler], Reply]) -> Iterator[Client]:
    """A client of a server that answers like this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_DELETE = do_PUT = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Client(f"http://127.0.0.1:{server.server_port}/", "secret")
        server.shutdown()


def as_json(body: object, **headers: str) -> Reply:
    return 200, {"content-type": "application/json", **headers}, json.dumps(body).encode()


class TheClient(unittest.TestCase):
    def test_asks_with_a_token_below_the_version_for_what_is_set(self) -> None:
        asked = []

        def answer(request: BaseHTTPRequestHandler) -> Reply:
            asked.append((request.path, request.headers["authorization"], request.headers["if-none-match"]))
            return as_json({"organizationName": "Acme"}, ratelimit='"organization";r=194;t=1')

        with beside(answer) as client:
            summary = client.summary(timezone="Europe/Berlin")
        self.assertEqual((summary.body["organizationName"], summary.left), ("Acme", Left(194, 1)))
        self.assertEqual(asked, [("/v1/metrics/summary?timezone=Europe%2FBerlin", "Bearer secret", None)])

    def test_says_which_of_the_tokens_organizations_is_meant(self) -> None:
        asked = []

        def answer(request: BaseHTTPRequestHandler) -> Reply:
            asked.append(request.headers["organization-id"])
            return as_json({}) if "stream" not in request.path else (200, {}, b"")

        with beside(answer) as client:
            client.summary()
            url = client._url.removesuffix("/v1")
            beta = Client(url, "secret", organization_id="beta")
            beta.summary()
            beta.summary(organization_id="acme")
            self.assertEqual(list(beta.versions()), [])
        self.assertEqual(asked, [None, "beta", "acme", "beta"])

    def test_keeps_the_numbers_that_it_knows_and_takes_how_fresh_they_are(self) -> None:
        before, now = "2026-02-25T10:00:00.000Z", "2026-02-25T10:00:05.000Z"

        def answer(request: BaseHTTPRequestHandler) -> Reply:
            if request.headers["if-none-match"] != 'W/"one"':
                return as_json({"plan": None, "completeThrough": before}, etag='W/"one"')
            return 304, {"etag": 'W/"one"', "complete-through": now, "generated-at": now}, b""

        with beside(answer) as client:
            known = client.summary()
            again = client.summary(known=known)
        self.assertEqual((known.body["completeThrough"], known.unchanged), (before, False))
        self.assertEqual((again.body["completeThrough"], again.unchanged, again.etag), (now, True, 'W/"one"'))
        self.assertIsNone(again.body["plan"])

    def test_knows_how_old_a_stale_answer_is(self) -> None:
        of_a_part = {"summary": {}, "trends": {"stale": True}}
        for body, headers, age in (
            ({"stale": True}, {"age": "40"}, 40),
            ({"stale": True}, {}, 1),
            (of_a_part, {"age": "7"}, 7),
            ({"summary": {}}, {"age": "7"}, 0),
        ):
            with beside(lambda _: as_json(body, **headers)) as client:
                self.assertEqual(client.overview().age_seconds, age)

    def test_a_refusal_is_a_problem_be_it_the_apis_or_not(self) -> None:
        def refused(status: int, body: str) -> Problem:
            with beside(lambda _: (status, {"retry-after": "7"}, body.encode())) as client:
                with self.assertRaises(Problem) as raised:
                    client.summary()
            return raised.exception

        ours = refused(400, '{"type": "/problems/bad-parameter", "title": "No", "status": 400, "parameter": "from"}')
        self.assertEqual((ours.status, ours.passes, str(ours)), (400, False, "No"))
        self.assertEqual((ours.details or {})["parameter"], "from")
        foreign = refused(502, "<html>")
        self.assertEqual((foreign.details, foreign.retry_after_seconds, foreign.passes), (None, 7, True))

    def test_sends_a_body_and_a_value_as_one_part_of_the_path(self) -> None:
        asked = []

        def answer(request: BaseHTTPRequestHandler) -> Reply:
            length = int(request.headers["content-length"] or 0)
            asked.append((request.command, request.path, request.rfile.read(length)))
            return 204, {}, b""

        with beside(answer) as client:
            self.assertIsNone(client.delete_webhook("a/b?c").body)
            client.set_thresholds({"thresholds": {}})
        self.assertEqual(asked[0], ("DELETE", "/v1/settings/webhooks/a%2Fb%3Fc", b""))
        self.assertEqual(asked[1], ("PUT", "/v1/settings/thresholds", b'{"thresholds": {}}'))

    def test_gives_each_version_that_the_stream_tells(self) -> None:
        asked = []

        def answer(request: BaseHTTPRequestHandler) -> Reply:
            asked.append(request.headers["last-event-id"])
            events = b": open\n\nevent: version\nid: 7\ndata: {}\n\ndata: other\n\nevent:version\r\ndata:{}\r\nid:8\r\n\r\n"
            return 200, {"content-type": "text/event-stream"}, events

        with beside(answer) as client:
            self.assertEqual(list(client.versions(after="6")), ["7", "8"])
        self.assertEqual(asked, ["6"])


if __name__ == "__main__":
    unittest.main()
