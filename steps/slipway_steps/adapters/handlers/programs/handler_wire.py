"""Reads the answer message of a worker of multi-model-server as its front end does, so that the client's answer is
known without the front end.

The worker writes the length of texts in characters, and the front end reads as many bytes. A text that is not ASCII
therefore shifts everything behind it, and the front end gives the worker up.
"""

from __future__ import annotations

import json
import struct
from typing import Any

LARGEST = 6_553_500
"""Bytes of a request or an answer, the default of multi-model-server (`max_request_size`, `max_response_size`)."""


class WorkerLost(Exception):
    """The front end cannot read the message: it ends the worker."""


class _Reader:
    def __init__(self, message: bytes | bytearray) -> None:
        self.message, self.at = message, 0

    def number(self) -> int:
        if self.at + 4 > len(self.message):
            raise WorkerLost("the message ends early")
        (found,) = struct.unpack_from("!i", self.message, self.at)
        self.at += 4
        return int(found)

    def bytes(self) -> bytes:
        length = self.number()
        if length < 0 or self.at + length > len(self.message):
            raise WorkerLost("a length leads out of the message")
        if length > LARGEST:
            raise WorkerLost(f"the answer is too large: {length} bytes, and the front end reads at most {LARGEST}")
        found = bytes(self.message[self.at : self.at + length])
        self.at += length
        return found

    def text(self) -> str:
        return self.bytes().decode("utf-8", "replace")


def error_answer(status: int, message: str, reason: str) -> dict[str, Any]:
    """The answer that the front end itself writes."""
    body = json.dumps({"code": status, "type": "InternalServerException", "message": message}, indent=2) + "\n"
    return {"status": status, "reason": reason, "content_type": "application/json", "body": body.encode()}


def worker_died() -> dict[str, Any]:
    """The client's answer where the worker died before it answered."""
    return error_answer(500, "Worker died.", "Internal Server Error")


def too_large() -> dict[str, Any]:
    """The client's answer where the request is larger than `LARGEST`."""
    return {"status": 413, "reason": "Request Entity Too Large", "content_type": None, "body": b""}


def unanswered(why: str, lost: str = "") -> dict[str, Any]:
    """What the client has where no answer that it can read ever comes. `lost`: why the worker is ended as well."""
    return {"status": 0, "reason": "", "content_type": None, "body": b"", "no_answer": why, "lost": lost}


REASONS = {500: "Internal Server Error", 503: "Service Unavailable", 507: "Insufficient Storage"}
WITHOUT_BODY = (204, 205, 304)
"""Statuses at which a client reads no body; nor does it at 1xx."""


def client_answer(message: bytes | bytearray) -> dict[str, Any]:
    """The client's answer to the message with one response that a worker wrote.

    Returns a dict with status, reason, content_type and body, and perhaps no_answer. Raises WorkerLost where the front
    end cannot read the message.
    """
    reader = _Reader(message)
    code, text = reader.number(), reader.text()
    reader.bytes()  # the request's id
    content_type, status, reason = reader.text(), reader.number(), reader.text().strip(" ")
    headers = [(reader.text(), reader.text()) for _ in range(reader.number())]
    body = reader.bytes()
    if reader.number() != -1:
        raise WorkerLost("the message does not end where it should")
    if code != 200:
        return error_answer(code, text, REASONS.get(code, ""))
    if status < 0 or "\n" in reason or "\r" in reason:
        what = f"the front end cannot write the status {status} with the phrase {reason[:80]!r}"
        return unanswered(f"{what}, and forgets the request", what)
    if status == 100 or not 100 <= status <= 999:
        return unanswered(f"no client reads the status {status}")
    if status < 200 or status in WITHOUT_BODY:
        body = b""
    return {"status": status, "reason": reason, "content_type": _content_type(content_type, headers), "body": body}


def _content_type(content_type: str, headers: list[tuple[str, str]]) -> str | None:
    """The content type that the client sees. Headers that differ only in capitals overwrite each other, in the order
    of Java's HashMap.
    """
    found: str | None = content_type or None
    for name, value in sorted(headers, key=lambda header: _bucket(header[0])):
        if name.lower() == "content-type":
            found = value
    # what stands behind a line break is another header to the client
    return None if found is None else found.split("\r")[0].split("\n")[0].lstrip(" \t")


def _bucket(name: str) -> int:
    """Where Java's HashMap of up to twelve entries keeps a name."""
    found = 0
    for character in name:
        found = (31 * found + ord(character)) & 0xFFFFFFFF
    return (found ^ (found >> 16)) & 15
