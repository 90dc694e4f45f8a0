"""As much of versitygw as the platform uses: S3 with signed requests, accounts by its admin API, bucket policies.

Kept from the real one: a request whose signature is wrong is refused; only the root account makes accounts and buckets;
a policy that names an unknown account is refused; any other account may do what the bucket's policy allows it, and
nothing else.
"""

import fnmatch
import hashlib
import hmac
import json
import re
import threading
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

ROOT = ("root", "root-secret")


@dataclass
class Bucket:
    policy: dict[str, list[dict[str, object]]] | None = None
    objects: dict[str, bytes] = field(default_factory=dict)


class S3Server:
    """Serves on a port of the loopback until `close`."""

    def __init__(self) -> None:
        self.accounts = dict([ROOT])
        self.roles: dict[str, str] = {}
        self.buckets: dict[str, Bucket] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"store": self}))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def allows(self, account: str, action: str, bucket: str, key: str = "") -> bool:
        if account == ROOT[0]:
            return True
        policy = self.buckets[bucket].policy if bucket in self.buckets else None
        wanted = f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else "")
        return any(
            account in one["Principal"]["AWS"]  # type: ignore[index]
            and action in one["Action"]  # type: ignore[operator]
            and any(fnmatch.fnmatchcase(wanted, pattern) for pattern in one["Resource"])  # type: ignore[attr-defined]
            for one in (policy or {}).get("Statement", [])
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: S3Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, code: str = "", body: bytes = b"") -> None:
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode() if code else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _account(self, body: bytes) -> str | None:
        """The account that has signed the request; None where the signature is wrong."""
        form = (
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/s3/aws4_request, SignedHeaders=(\S+), Signature=(\w+)"
        )
        signed = re.fullmatch(form, self.headers.get("Authorization", ""))
        if not signed or signed[1] not in self.store.accounts:
            return None
        payload = self.headers["X-Amz-Content-SHA256"]
        if not payload.startswith(("UNSIGNED", "STREAMING")) and payload != hashlib.sha256(body).hexdigest():
            return None
        address = urlsplit(self.path)
        query = "&".join(f"{quote(k, '')}={quote(v, '')}" for k, v in sorted(parse_qsl(address.query, True)))
        headers = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in signed[4].split(";"))
        canonical = "\n".join([self.command, address.path, query, headers, signed[4], payload])
        scope = f"{signed[2]}/{signed[3]}/s3/aws4_request"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{self.store.accounts[signed[1]]}".encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{self.headers['X-Amz-Date']}\n{scope}\n{digest}"):
            key = hmac.digest(key, part.encode(), "sha256")
        return signed[1] if hmac.compare_digest(key.hex(), signed[5]) else None

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        account = self._account(body)
        if account is None:
            return self._answer(403, "SignatureDoesNotMatch")
        if self.command == "PATCH":
            return self._admin(account, address.path, dict(parse_qsl(address.query)), body)
        bucket, _, key = address.path.strip("/").partition("/")
        query = dict(parse_qsl(address.query, True))
        if key:
            return self._object(account, bucket, key, body)
        return self._bucket(account, bucket, query, body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_PATCH = _serve  # noqa: N815

    def _admin(self, account: str, path: str, query: dict[str, str], body: bytes) -> None:
        if account != ROOT[0]:
            return self._answer(403, "XAdminAccessDenied")
        given = {element.tag: element.text or "" for element in ET.fromstring(body)}
        if path == "/create-user":
            if given["Access"] in self.store.accounts:
                return self._answer(409, "XAdminUserExists")
            self.store.roles[given["Access"]] = given["Role"]
            self.store.accounts[given["Access"]] = given["Secret"]
            return self._answer(201)
        if path == "/update-user":
            if query["access"] not in self.store.accounts:
                return self._answer(404, "XAdminUserNotFound")
            self.store.accounts[query["access"]] = given["Secret"]
            return self._answer(200)
        return self._answer(404, "NoSuchKey")

    def _bucket(self, account: str, bucket: str, query: dict[str, str], body: bytes) -> None:
        if self.command == "PUT" and "policy" in query:
            policy = json.loads(body)
            named = {one for statement in policy["Statement"] for one in statement["Principal"]["AWS"]}
            if account != ROOT[0]:
                return self._answer(403, "AccessDenied")
            if not named <= set(self.store.accounts):
                return self._answer(400, "MalformedPolicy")
            self.store.buckets[bucket].policy = policy
            return self._answer(204)
        if self.command == "PUT":
            if account != ROOT[0]:
                return self._answer(403, "AccessDenied")
            self.store.buckets[bucket] = Bucket()
            return self._answer(200)
        if not self.store.allows(account, "s3:ListBucket", bucket):
            return self._answer(403, "AccessDenied")
        return self._answer(200) if bucket in self.store.buckets else self._answer(404, "NoSuchBucket")

    def _object(self, account: str, bucket: str, key: str, body: bytes) -> None:
        actions = {"PUT": "s3:PutObject", "GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}
        if not self.store.allows(account, actions[self.command], bucket, key):
            return self._answer(403, "AccessDenied")
        objects = self.store.buckets[bucket].objects
        if self.command == "PUT":
            objects[key] = body
            return self._answer(200)
        if self.command == "DELETE":
            objects.pop(key, None)
            return self._answer(204)
        return self._answer(200, body=objects[key]) if key in objects else self._answer(404, "NoSuchKey")
