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
        found = bytes(self.message[self.at : self.at + length])
        self.at += length
        return found


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


REASONS = {500: "Internal Server Error", 503: "Service Unavailable", 507: "Insufficient Storage"}


def client_answer(message: bytes | bytearray) -> dict[str, Any]:
    """The client's answer to the message with one response that a worker wrote.

    Returns a dict with status, reason, content_type and body. Raises WorkerLost where the front end cannot read it.
    """
    reader = _Reader(message)
    code = reader.number()
    text = reader.bytes().decode("utf-8", "replace")
    reader.bytes()  # the request's id
    content_type = reader.bytes().decode("utf-8", "replace")
    status = reader.number()
    reason = reader.bytes().decode("utf-8", "replace").strip()
    headers = {}
    count = reader.number()
    if not 0 <= count <= 1000:
        raise WorkerLost("the number of headers is impossible")
    for _ in range(count):
        name = reader.bytes().decode("utf-8", "replace")
        headers[name] = reader.bytes().decode("utf-8", "replace")
    body = reader.bytes()
    if reader.number() != -1 or reader.at != len(message):
        raise WorkerLost("the message does not end where it should")
    if len(message) > LARGEST:
        raise WorkerLost("the answer is too large")
    if code != 200:
        return error_answer(code, text, REASONS.get(code, ""))
    return {"status": status, "reason": reason, "content_type": content_type or None, "body": body}
