"""As much of a Kubernetes API server as `kubernetes.core` speaks with: discovery, objects, patches, dry runs.

Kept from the real one because playbooks depend on it: server-side apply removes what its manager no longer names and
leaves alone what others own; a patch that changes nothing keeps the resourceVersion; an outdated resourceVersion is a
conflict; an object in a namespace that is not there is refused; `dryRun=All` answers as if, and changes nothing. A
user may do what the Roles and RoleBindings in the server say; a pod is judged by the Pod Security Standard that its
namespace enforces, and may ask for no more than its limits. Not kept: schemas, defaults, controllers, finalizers.
"""

import copy
import itertools
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from kube_kinds import CLUSTER_WIDE, KINDS
from kube_merge import merged, without
from kube_rbac import Rights, parsed, user_of
from kube_selectors import UnknownSelector, selected
from kube_watch import WatchedObjects, send
from kubeconfig import write_kubeconfig
from pod_resources import invalid
from pod_security import refusal

Object = dict[str, Any]

PATCHES = {
    *("application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml"),
}
"""Content types of patches that are played here; a custom resource takes no strategic one."""


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
        self.body["code"] = code
        self.code = code


class KubeApi:
    """`objects`: (api version, plural, namespace, name) -> object; `writes`: what changed something, in words.

    `logs`: pod -> what its container wrote. `busy`: objects that somebody else writes just before the next PUT.
    `lost`: as many answers to a POST are 503 although the object was made. `missing`: API versions nobody serves here.
    """

    def __init__(self) -> None:
        self._versions = itertools.count(1)
        self.objects = WatchedObjects(self._versions)
        self.writes: list[str] = []
        self.dry_runs = 0
        self.logs: dict[str, str] = {}
        self.busy: list[Object] = []
        self.lost = 0
        self.missing: set[str] = set()
        self._applied: dict[tuple[Any, ...], Object] = {}
        self._lock = threading.RLock()
        api = self

        class Bound(Handler):
            owner = api

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, path: Path, user: str = "") -> Path:
        """A kubeconfig that leads here, as this user; empty: as one who may do everything."""
        return write_kubeconfig(path, self.server.server_port, user)

    def add(self, *objects: Object) -> None:
        """Objects that are there already."""
        for one in objects:
            self.objects[self._key(one)] = self._stored(one)

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """The object; KeyError if there is none."""
        return next(
            one for key, one in self.objects.items() if one["kind"] == kind and key[3] == name and key[2] == namespace
        )

    def snapshot(self) -> dict[tuple[str, str, str, str], Object]:
        return copy.deepcopy(dict(self.objects))

    def _key(self, one: Object) -> tuple[str, str, str, str]:
        plural = KINDS[one["apiVersion"]][one["kind"]]
        return one["apiVersion"], plural, one["metadata"].get("namespace", ""), one["metadata"]["name"]

    def _stored(self, one: Object) -> Object:
        number = next(self._versions)
        result = copy.deepcopy(one)
        result["metadata"] |= {"resourceVersion": str(number)}
        result["metadata"].setdefault("uid", f"uid-{number}")
        result["metadata"].setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        return result

    def discovery(self, path: str) -> Object | None:
        """The answer to a question about the API itself, None if it is about objects."""
        groups = [version for version in KINDS if "/" in version]
        if path == "/version":
            return {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            listed = []
            for full in groups:
                group, version = full.split("/")
                preferred = {"groupVersion": full, "version": version}
                listed.append({"name": group, "versions": [preferred], "preferredVersion": preferred})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        for full, kinds in KINDS.items():
            if full not in self.missing and path == ("/api/v1" if full == "v1" else f"/apis/{full}"):
                resources = [
                    {
                        "name": plural,
                        "singularName": kind.lower(),
                        "namespaced": plural not in CLUSTER_WIDE,
                        "kind": kind,
                        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
                    }
                    for kind, plural in [*kinds.items(), *([("Pod", "pods/log")] if full == "v1" else [])]
                ]
                return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": full, "resources": resources}
        return None

    def answer(  # noqa: PLR0912 - one branch a verb
        self, method: str, path: str, query: dict[str, list[str]], kind: str, body: Object
    ) -> tuple[int, Object]:
        """Status and object that answer a request; `kind` is the Content-Type. Raises Refused."""
        with self._lock:
            found = self.discovery(path)
            if found is not None:
                return 200, found
            version, plural, namespace, name = self._parsed(path)
            key = (version, plural, namespace, name)
            dry = "dryRun" in query
            self.dry_runs += dry
            if method == "GET" and not name:
                return 200, self._list(version, plural, namespace, query)
            old = self.objects.get(key)
            if old is None and (method in ("GET", "DELETE") or (method == "PATCH" and "apply" not in kind)):
                raise Refused(404, "NotFound", f'{plural} "{name}" not found')
            if method == "GET":
                return 200, copy.deepcopy(old or {})
            if method == "DELETE":
                self._write(dry, f"DELETE {plural} {namespace}/{name}", lambda: self.objects.pop(key))
                if old and not dry and query.get("propagationPolicy") != ["Orphan"]:
                    self.objects.pop_owned(old["metadata"]["uid"])
                return 200, old or {}
            if namespace and ("v1", "namespaces", "", namespace) not in self.objects:
                raise Refused(404, "NotFound", f'namespaces "{namespace}" not found')
            if method == "POST":
                prefix = body["metadata"].get("generateName")
                if prefix and "name" not in body["metadata"]:
                    body["metadata"]["name"] = f"{prefix}{next(self._versions):05d}"
                body["metadata"].setdefault("namespace", namespace)
                body["metadata"]["creationTimestamp"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
                key = (version, plural, namespace, body["metadata"]["name"])
                if key in self.objects:
                    raise Refused(409, "AlreadyExists", f'{plural} "{key[3]}" already exists')
                self._admit(key, body)
                new = self._stored(merged({}, body))  # a field that is null is not kept
            elif method == "PUT":
                for one in self.busy:
                    self.add(one)
                self.busy = []
                old = self.objects.get(key)
                if old is None or body["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
                    raise Refused(409, "Conflict", "the object has been modified")
                new = self._stored(body)
            else:
                new = self._patched(key, old, kind, query, body, dry)
            if new != old:
                self._write(dry, f"{method} {plural} {namespace}/{key[3]}", lambda: self.objects.update({key: new}))
            return (200 if old else 201), copy.deepcopy(new)

    def authorize(self, user: str | None, method: str, path: str, watch: bool = False) -> None:
        """Raises Refused where no Role of the user allows it; `user` None may do everything."""
        refused = Rights(list(self.objects.values())).refusal(user, parsed(method, path, watch))
        if refused:
            raise Refused(403, "Forbidden", refused)

    def _admit(self, key: tuple[str, str, str, str], body: Object) -> None:
        if key[1] != "pods":
            return
        namespace = self.objects.get(("v1", "namespaces", "", key[2]), {}).get("metadata", {})
        enforced = (namespace.get("labels") or {}).get("pod-security.kubernetes.io/enforce")
        refused = refusal(key[3], body["spec"]) if enforced == "restricted" else None
        if refused:
            raise Refused(403, "Forbidden", refused)
        refused = invalid(key[3], body["spec"])
        if refused:
            raise Refused(422, "Invalid", refused)

    def _write(self, dry: bool, words: str, write: Any) -> None:
        if not dry:
            self.writes.append(words)
            write()

    def _patched(
        self, key: tuple[str, str, str, str], old: Object | None, kind: str, query: Any, body: Object, dry: bool
    ) -> Object:
        asked = body.get("metadata", {}).get("resourceVersion")
        if old and asked and asked != old["metadata"]["resourceVersion"]:
            raise Refused(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )
        core = not key[0].startswith("argoproj.io")
        if kind not in PATCHES or ("strategic" in kind and not core):
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        result = old or {}
        if "apply" in kind:
            manager = query["fieldManager"][0]
            result = without(result, self._applied.get((*key, manager), {}), body)
            if not dry:
                self._applied[(*key, manager)] = copy.deepcopy(body)
        result = merged(result, body, by_name=core and kind.removeprefix("application/") != "merge-patch+json")
        return result if result == old else self._stored(result)

    def _list(self, version: str, plural: str, namespace: str, query: dict[str, list[str]]) -> Object:
        found = [
            copy.deepcopy(one)
            for key, one in self.objects.items()
            if key[:2] == (version, plural) and (not namespace or key[2] == namespace)
        ]
        try:
            items = selected(found, query)
        except UnknownSelector as unknown:
            raise Refused(400, "BadRequest", f"unable to parse requirement: {unknown}") from unknown
        kind = next(kind for kind, name in KINDS[version].items() if name == plural)
        metadata = {"resourceVersion": str(self.objects.latest)}
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": metadata, "items": items}

    @staticmethod
    def _parsed(path: str) -> tuple[str, str, str, str]:
        parts = path.strip("/").split("/")
        version, rest = ("v1", parts[2:]) if parts[0] == "api" else ("/".join(parts[1:3]), parts[3:])
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces":
            namespace, rest = rest[1], rest[2:]
        if not rest or rest[0] not in KINDS.get(version, {}).values():
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        return version, rest[0], namespace, rest[1] if len(rest) > 1 else ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet: two would wait 40 ms for each other
    owner: KubeApi

    def log_message(self, format: str, *args: object) -> None:
        pass

    def serve(self) -> None:
        url = urlsplit(self.path)
        body = yaml.safe_load(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        kind = self.headers.get("Content-Type") or ""
        try:
            query = parse_qs(url.query)
            self.owner.authorize(user_of(self.headers), self.command, url.path, "watch" in query)
            if "watch" in query:
                version, plural, namespace, _ = self.owner._parsed(url.path)
                self.close_connection = not send(self, self.owner.objects.events(version, plural, namespace, query))
                return
            if url.path.endswith("/log"):
                self.reply(200, self.owner.logs[url.path.split("/")[-2]].encode(), "text/plain")
                return
            code, answer = self.owner.answer(self.command, url.path, query, kind, body)
        except Refused as refused:
            code, answer = refused.code, refused.body
        if self.command == "POST" and self.owner.lost:
            self.owner.lost -= 1
            code, answer = 503, {"message": "told 503"}
        self.reply(code, json.dumps(answer).encode(), "application/json")

    def reply(self, code: int, data: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - names of the base class
