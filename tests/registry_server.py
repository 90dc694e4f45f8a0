"""An OCI registry in memory (distribution-spec 1.1), with faults on demand: for tests."""

import base64
import hashlib
import json
import re
import socket
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Fault = Callable[["Handler"], bool]
"""Called before a request is answered; True: it has answered (or broken off) itself."""


class Registry:
    """`faults`: (method, pattern of the path, fault), each used once. `requests`: method and path of each, in order."""

    def __init__(self, auth: str = "") -> None:
        self.auth = auth
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.uploads: dict[str, bytes] = {}
        self.faults: list[tuple[str, str, Fault]] = []
        self.requests: list[str] = []
        self.tokens = 0
        registry = self

        class Bound(Handler):
            owner = registry

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def put(self, repository: str, name: str, layers: list[bytes], config: dict[str, Any]) -> str:
        """An image, as somebody else would have pushed it; returns its digest."""
        text = json.dumps(config).encode()
        parts = []
        for blob, kind in [(text, "config.v1+json"), *((layer, "layer.v1.tar") for layer in layers)]:
            self.blobs[repository, digest(blob)] = blob
            media = f"application/vnd.oci.image.{kind}"
            parts.append({"mediaType": media, "digest": digest(blob), "size": len(blob)})
        media = "application/vnd.oci.image.manifest.v1+json"
        body = json.dumps({"schemaVersion": 2, "mediaType": media, "config": parts[0], "layers": parts[1:]}).encode()
        for key in (name, digest(body)):
            self.manifests[repository, key] = (body, media)
        return digest(body)


def digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def status(code: int, **headers: str) -> Fault:
    """Answer with a status."""

    def answer(handler: "Handler") -> bool:
        handler.body()
        handler.reply(code, headers={key.replace("_", "-"): value for key, value in headers.items()})
        return True

    return answer


def reset(handler: "Handler") -> bool:
    """Take half of the body in, as a registry does whose connection is cut, and break off."""
    length = int(handler.headers.get("Content-Length") or 0)
    half = handler.rfile.read(length // 2)
    upload = handler.path.split("?")[0].rpartition("/")[2]
    if handler.command == "PATCH" and upload in handler.owner.uploads:
        handler.owner.uploads[upload] += half
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True
    return True


def truncated(handler: "Handler") -> bool:
    """Say how long the blob is and send half of it."""
    repository, name = handler.path[4:].split("/blobs/")
    blob = handler.owner.blobs[repository, name]
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(blob)))
    handler.end_headers()
    handler.wfile.write(blob[: len(blob) // 2])
    handler.connection.close()
    handler.close_connection = True
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Registry

    def log_message(self, format: str, *args: object) -> None:
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def answer(self) -> None:
        registry = self.owner
        registry.requests.append(f"{self.command} {self.path}")
        for fault in registry.faults:
            if fault[0] == self.command and re.search(fault[1], self.path):
                registry.faults.remove(fault)
                if fault[2](self):
                    return
        url = urlsplit(self.path)
        if url.path == "/token":
            wanted = base64.b64encode(b"user:right").decode()
            if self.headers.get("Authorization") != f"Basic {wanted}":
                self.reply(401)
                return
            registry.tokens += 1
            self.reply(200, json.dumps({"token": f"token-{registry.tokens}"}).encode())
            return
        if not self.allowed():
            return
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        repository, kind, name = re.match(r"/v2/(.+)/(manifests|blobs/uploads|blobs)/(.*)", url.path).groups()  # type: ignore[union-attr]
        getattr(self, kind.replace("/", "_"))(repository, unquote(name), query)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = answer  # noqa: N815 - names of the base class

    def allowed(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.owner.auth == "basic" and given != "Basic " + base64.b64encode(b"user:right").decode():
            self.body()
            self.reply(401, headers={"WWW-Authenticate": 'Basic realm="r"'})
            return False
        if self.owner.auth == "token" and (not self.owner.tokens or given != f"Bearer token-{self.owner.tokens}"):
            self.body()
            realm = f'Bearer realm="http://{self.owner.host}/token",service="s",scope="x"'
            self.reply(401, headers={"WWW-Authenticate": realm})
            return False
        return True

    def manifests(self, repository: str, name: str, query: dict[str, str]) -> None:
        if self.command == "PUT":
            body = self.body()
            for part in (json.loads(body)["config"], *json.loads(body)["layers"]):
                if (repository, part["digest"]) not in self.owner.blobs:
                    error = {"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": part["digest"]}]}
                    self.reply(404, json.dumps(error).encode())
                    return
            entry = (body, self.headers["Content-Type"])
            self.owner.manifests[repository, name] = self.owner.manifests[repository, digest(body)] = entry
            self.reply(201)
            return
        found = self.owner.manifests.get((repository, name))
        self.reply(200, found[0], {"Content-Type": found[1]}) if found else self.reply(404)

    def blobs(self, repository: str, name: str, query: dict[str, str]) -> None:
        found = self.owner.blobs.get((repository, name))
        self.reply(200, found) if found is not None else self.reply(404)

    def blobs_uploads(self, repository: str, name: str, query: dict[str, str]) -> None:
        uploads = self.owner.uploads
        location = {"Location": f"/v2/{repository}/blobs/uploads/{name}?_state=x"}
        if self.command == "POST":
            self.body()
            source = self.owner.blobs.get((query.get("from", ""), query.get("mount", "")))
            if source is not None:
                self.owner.blobs[repository, query["mount"]] = source
                self.reply(201)
                return
            name = uuid.uuid4().hex
            uploads[name] = b""
            self.reply(202, headers={"Location": f"/v2/{repository}/blobs/uploads/{name}?_state=x"})
            return
        if self.command == "PATCH":
            start = int(self.headers["Content-Range"].split("-")[0])
            body = self.body()
            if start != len(uploads[name]):
                self.reply(416)
                return
            uploads[name] += body
        if self.command == "PUT":
            blob = uploads.pop(name)
            if digest(blob) != query["digest"]:
                self.reply(400, json.dumps({"errors": [{"code": "DIGEST_INVALID", "message": "x"}]}).encode())
                return
            self.owner.blobs[repository, query["digest"]] = blob
            self.reply(201)
            return
        last = max(len(uploads[name]) - 1, 0)
        self.reply(204 if self.command == "GET" else 202, headers={**location, "Range": f"0-{last}"})
