"""Makes of a client's request what the front end of multi-model-server sends to its worker."""

from __future__ import annotations

import base64
import uuid
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl


class Unreadable(Exception):
    """The file with the body of a request cannot be read."""


class Bodies:
    """The bodies of requests. Those that come from files are kept, up to `KEPT` bytes."""

    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}

    def of(self, request: dict[str, Any]) -> bytes:
        """The body of one request. Raises Unreadable."""
        if "body" in request:
            return base64.b64decode(request["body"])
        path = request["path"]
        if path not in self.found:
            try:
                body = Path(path).read_bytes()
            except OSError as error:
                raise Unreadable(f"{path}: {error.strerror}") from error
            if sum(map(len, self.found.values())) + len(body) > KEPT:
                self.found.clear()
            self.found[path] = body
        return self.found[path]


KEPT = 16 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"


def batch(body: bytes, content_type: str | None, accept: str | None) -> list[dict[str, Any]]:
    """The only request of a batch. A header that is None, or an accept type that is "", is not sent."""
    headers = [
        {"name": b"Host", "value": b"127.0.0.1"},
        {"name": b"Content-Length", "value": b"%d" % len(body)},
    ]
    if accept:
        headers.append({"name": b"Accept", "value": accept.strip(" \t").encode()})
    kind = (content_type or "").strip(" \t")
    if content_type is not None:
        headers.append({"name": b"Content-Type", "value": kind.encode()})
    parameters = _parameters(body, kind)
    return [{"requestId": str(uuid.uuid4()).encode(), "headers": headers, "parameters": parameters}]


def _parameters(body: bytes, kind: str) -> list[dict[str, Any]]:
    """What the handler's input is taken from: the parameter `body`. The front end takes forms apart, so that a form has
    one only where a field is named so.
    """
    plain = kind.partition(";")[0].strip().lower()
    if plain == FORM:
        fields = parse_qsl(bytes(body).decode("utf-8", "replace"), keep_blank_values=True)
        return [{"name": name, "contentType": "", "value": bytearray(value.encode())} for name, value in fields]
    if plain == "multipart/form-data":
        header = Message()
        header["Content-Type"] = kind
        if boundary := header.get_boundary():
            return [_field(part) for part in bytes(body).split(b"--" + boundary.encode())[1:-1]]
    return [{"name": "body", "contentType": kind, "value": bytearray(body)}]


def _field(part: bytes) -> dict[str, Any]:
    head, _, value = part.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head.lstrip(b"\r\n"))
    name = headers.get_param("name", "", "content-disposition")
    kind = headers.get("content-type", "") if headers.get_filename() is not None else ""
    return {"name": name, "contentType": kind, "value": bytearray(value[:-2])}
