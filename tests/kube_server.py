"""What the adapters need of a Kubernetes API server, with Argo CD behind its Applications: for tests.

As strict as a real one where that has mattered: a user may do what the Roles and RoleBindings of our manifests say, a
list holds what its selectors select, a patch needs a content type that its resource takes.

Applications go through what Argo CD v3.5.1 was seen to do after a patch: for a while the old state stays, Synced and
Healthy; then the operation is taken up, the comparison follows, and the sync ends; an operation requested while one
runs is lost without a word.
"""

import copy
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kube_merge import merged
from kube_rbac import REVIEWS, ours, parsed, reviewed, user_of
from kube_selectors import selected
from kubeconfig import write_kubeconfig

Fault = Callable[["Handler"], bool]
PATCHES = ("application/merge-patch+json",)
"""Content types of patches that a custom resource takes and this server understands; a strategic one is for others."""


class Cluster:
    """`objects`: path of an object -> object; `lists`: path of a list -> objects. `faults` are used once each.

    `speed`: seconds of one phase of Argo CD. `broken`: its manifests cannot be generated. `lose`: operations to lose.
    """

    def __init__(self, speed: float = 0.05) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.faults: list[tuple[str, str, Fault]] = []
        self.requests: list[str] = []
        self.patches: list[dict[str, Any]] = []
        self.speed = speed
        self.broken = False
        self.fails = False
        self.lose = 0
        self.conflicts = 0
        self.rights = ours()
        self.lock = threading.RLock()
        cluster = self

        class Bound(Handler):
            owner = cluster

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def kubeconfig(self, path: Path, user: str = "") -> Path:
        """A kubeconfig that leads here, as this user; empty: as one who may do everything."""
        return write_kubeconfig(path, self.server.server_port, user)

    def application(self, name: str, parameters: dict[str, str] | None = None) -> str:
        """An Application that is Synced and Healthy with these parameters; returns its path."""
        listed = [{"name": key, "value": value} for key, value in (parameters or {}).items()]
        source = {
            "repoURL": "https://git.example/deploy.git",
            "path": "charts/model-app",
            "helm": {"parameters": listed},
        }
        path = f"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/{name}"
        self.objects[path] = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": "argocd", "resourceVersion": "1"},
            "spec": {"project": "default", "destination": {"namespace": name}, "source": source},
            "status": {
                "sync": {"status": "Synced", "comparedTo": {"source": copy.deepcopy(source)}},
                "health": {"status": "Healthy"},
                "operationState": {"phase": "Succeeded", "operation": {"info": [{"name": "x", "value": "before"}]}},
            },
        }
        return path

    def changed(self, path: str) -> None:
        """After a patch: Argo CD's timeline, in a thread of its own."""
        operation = self.objects[path].get("operation")
        if operation:
            threading.Thread(target=self._sync, args=(path, copy.deepcopy(operation)), daemon=True).start()

    def _update(self, path: str, change: Callable[[dict[str, Any]], None]) -> None:
        with self.lock:
            change(self.objects[path])
            metadata = self.objects[path]["metadata"]
            metadata["resourceVersion"] = str(int(metadata["resourceVersion"]) + 1)

    def _sync(self, path: str, operation: dict[str, Any]) -> None:
        def taken_up(app: dict[str, Any]) -> None:
            app["status"]["operationState"] = {"phase": "Running", "operation": operation}
            app["status"]["sync"] = {
                "status": "OutOfSync",
                "comparedTo": {"source": copy.deepcopy(app["spec"]["source"])},
            }

        def lost(app: dict[str, Any]) -> None:
            app.pop("operation", None)
            app["status"]["sync"] = {
                "status": "OutOfSync",
                "comparedTo": {"source": copy.deepcopy(app["spec"]["source"])},
            }

        def applied(app: dict[str, Any]) -> None:
            app.pop("operation", None)
            phase = "Failed" if self.fails else "Succeeded"
            app["status"]["operationState"] = {"phase": phase, "operation": operation, "message": "told"}

        def synced(app: dict[str, Any]) -> None:
            app["status"]["sync"]["status"] = "Synced"

        def uncomparable(app: dict[str, Any]) -> None:
            app.pop("operation", None)
            app["status"]["operationState"] = {"phase": "Succeeded", "operation": operation}
            app["status"]["sync"] = {"status": "Unknown"}
            app["status"]["conditions"] = [{"type": "ComparisonError", "message": "chart not found"}]

        time.sleep(2 * self.speed)  # all looks done, and nothing has happened
        if self.lose:
            self.lose -= 1
            self._update(path, lost)
            return
        steps = [uncomparable] if self.broken else [taken_up, applied, synced]
        for step in steps:
            self._update(path, step)
            time.sleep(self.speed)


def status(code: int, **headers: str) -> Fault:
    def answer(handler: "Handler") -> bool:
        handler.reply(code, {"message": f"told {code}"}, headers)
        return True

    return answer


def reset(handler: "Handler") -> bool:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True
    return True


def cut_off(handler: "Handler") -> bool:
    handler.send_response(200)
    handler.send_header("Content-Length", "5")
    handler.end_headers()
    handler.wfile.write(b'{"ite')
    return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Cluster

    def log_message(self, format: str, *args: object) -> None:
        pass

    def reply(self, code: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(code)
        for key, value in (headers or {}).items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def answer(self) -> None:
        cluster = self.owner
        url = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        cluster.requests.append(f"{self.command} {self.path}")
        for fault in cluster.faults:
            if fault[0] == self.command and re.search(fault[1], self.path):
                cluster.faults.remove(fault)
                if fault[2](self):
                    return
        if (self.command, url.path) == ("POST", REVIEWS):
            self.reply(201, reviewed(cluster.rights, user_of(self.headers), body))
            return
        refused = cluster.rights.refusal(user_of(self.headers), parsed(self.command, url.path))
        if refused:
            self.reply(403, {"message": refused})
            return
        with cluster.lock:
            if url.path in cluster.lists:
                self.reply(200, {"items": selected(cluster.lists[url.path], parse_qs(url.query))})
                return
            found = cluster.objects.get(url.path)
            if found is None:
                self.reply(404, {"message": "not found"})
                return
            if self.command == "PATCH":
                if self.headers.get("Content-Type") not in PATCHES:
                    self.reply(415, {"message": "the body of the request was in an unknown format"})
                    return
                version = (body.get("metadata") or {}).get("resourceVersion")
                if cluster.conflicts or (version and version != found["metadata"]["resourceVersion"]):
                    cluster.conflicts = max(cluster.conflicts - 1, 0)
                    self.reply(409, {"message": "the object has been modified"})
                    return
                cluster.patches.append(body)
                changed = merged(found, body)
                changed["metadata"]["resourceVersion"] = str(int(found["metadata"]["resourceVersion"]) + 1)
                cluster.objects[url.path] = changed
                cluster.changed(url.path)
            self.reply(200, cluster.objects[url.path])

    do_GET = do_PATCH = do_POST = answer  # noqa: N815 - names of the base class
