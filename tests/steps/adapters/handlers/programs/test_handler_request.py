"""A client's request becomes what the front end sends to its worker."""

import base64
from pathlib import Path
from typing import Any

import pytest

from slipway_steps.adapters.handlers.programs import handler_request
from slipway_steps.adapters.handlers.programs.handler_request import Bodies, Unreadable, batch

MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="body"\r\n\r\n1,2\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n3\r\n'
    b"--x--\r\n"
)


def headers(content_type: str | None, accept: str | None) -> dict[bytes, bytes]:
    (request,) = batch(b"[1]", content_type, accept)
    return {one["name"]: one["value"] for one in request["headers"]}


def parameters(body: bytes, content_type: str | None) -> list[tuple[str, str, bytes]]:
    (request,) = batch(body, content_type, None)
    return [(one["name"], one["contentType"], bytes(one["value"])) for one in request["parameters"]]


def test_headers_are_sent_as_the_client_gave_them() -> None:
    given = headers(" text/csv ", "application/json\t")
    assert (given[b"Content-Type"], given[b"Accept"]) == (b"text/csv", b"application/json")
    assert given[b"Content-Length"] == b"3"


@pytest.mark.parametrize("accept", [None, ""])
def test_a_header_that_is_not_given_is_not_sent(accept: str | None) -> None:
    assert headers(None, accept).keys() == {b"Host", b"Content-Length"}
    assert headers("", accept)[b"Content-Type"] == b"", "an empty one is"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"\x00[1]", "application/json; charset=utf-8", [("body", "application/json; charset=utf-8", b"\x00[1]")]),
        (b"x", None, [("body", "", b"x")]),
        (b"body=1%2C2&k=", "application/X-www-form-urlencoded", [("body", "", b"1,2"), ("k", "", b"")]),
        (MULTIPART, "multipart/form-data; boundary=x", [("body", "", b"1,2"), ("file", "text/csv", b"3")]),
        (b"x", "multipart/form-data", [("body", "multipart/form-data", b"x")]),
    ],
)
def test_the_input_is_the_parameter_named_body(body: bytes, content_type: str, expected: list[Any]) -> None:
    assert parameters(body, content_type) == expected


def test_a_body_from_a_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    bodies = Bodies()
    assert bodies.of({"path": str(tmp_path / "a")}) == b"first"
    (tmp_path / "a").unlink()
    assert bodies.of({"path": str(tmp_path / "a")}) == b"first"
    assert bodies.of({"body": base64.b64encode(b"\x00").decode()}) == b"\x00"


def test_bodies_beyond_the_limit_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler_request, "KEPT", 10)
    bodies = Bodies()
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(6))
        bodies.of({"path": str(tmp_path / name)})
    assert list(bodies.found) == [str(tmp_path / "b")]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"gone\.json: No such file"):
        Bodies().of({"path": str(tmp_path / "gone.json")})
