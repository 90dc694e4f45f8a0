"""Watches of the API server of the tests: what changes an object is written down, and sent to who watches its list."""

import contextlib
import copy
import itertools
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from kube_selectors import selected

Object = dict[str, Any]
Key = tuple[str, str, str, str]


class WatchedObjects(dict[Key, Object]):
    """Objects by API version, plural, namespace and name. `forget` and `cut` are faults of a server."""

    def __init__(self, versions: "itertools.count[int]") -> None:
        super().__init__()
        self.versions = versions
        self.changed = threading.Condition()
        self.log: list[tuple[int, str, Key, Object]] = []
        self.latest = 0
        self.oldest = 0
        self.broken = 0

    def forget(self) -> None:
        """Compact as etcd does: a watch from an older version than now gets 410 Gone."""
        self.oldest = self.latest

    def cut(self) -> None:
        """Break the connections of all watches."""
        with self.changed:
            self.broken += 1
            self.changed.notify_all()

    def _tell(self, happened: str, key: Key, one: Object, version: int) -> None:
        with self.changed:
            self.latest = max(self.latest, version)
            self.log.append((version, happened, key, copy.deepcopy(one)))
            self.changed.notify_all()

    def __setitem__(self, key: Key, one: Object) -> None:
        happened = "MODIFIED" if key in self else "ADDED"
        super().__setitem__(key, one)
        self._tell(happened, key, one, int(one["metadata"]["resourceVersion"]))

    def update(self, other: dict[Key, Object]) -> None:  # type: ignore[override]
        for key, one in other.items():
            self[key] = one

    def __delitem__(self, key: Key) -> None:
        self.pop(key)

    def pop(self, key: Key, *default: None) -> Object:  # type: ignore[override]
        if key not in self and default:
            return {}
        found = super().pop(key)
        version = next(self.versions)
        metadata = {**found["metadata"], "resourceVersion": str(version)}
        self._tell("DELETED", key, {**found, "metadata": metadata}, version)
        return found

    def pop_owned(self, uid: str) -> None:
        """Remove what an object that is gone has owned, as the garbage collector does."""
        for key, one in list(self.items()):
            if any(owner["uid"] == uid for owner in one["metadata"].get("ownerReferences") or []):
                self.pop(key)

    def events(self, version: str, plural: str, namespace: str, query: dict[str, list[str]]) -> Iterator[Object | None]:
        """What happened after the version of the query, and then what happens, until its time is over.

        Yields None where the connection is to be broken.
        """
        reached, place, broken = int(query["resourceVersion"][0]), 0, self.broken
        end = time.monotonic() + float(query.get("timeoutSeconds", ["1800"])[0])
        if reached < self.oldest:
            status = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410}
            yield {"type": "ERROR", "object": {**status, "message": f"too old resource version: {reached}"}}
            return
        while time.monotonic() < end:
            with self.changed:
                if place == len(self.log) and self.broken == broken:
                    self.changed.wait(timeout=min(1.0, end - time.monotonic()))
                found, place = self.log[place:], len(self.log)
            if self.broken != broken:
                yield None
                return
            for number, happened, key, one in found:
                mine = key[:2] == (version, plural) and (not namespace or key[2] == namespace)
                if number > reached and mine and selected([one], query):
                    yield {"type": happened, "object": one}


def send(handler: BaseHTTPRequestHandler, events: Iterator[Object | None]) -> bool:
    """Write events as chunks of an HTTP answer. False: the connection is to be broken, or is."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(OSError):  # whoever watched has gone
        handler.wfile.flush()
        for event in events:
            if event is None:
                return False
            line = json.dumps(event).encode() + b"\n"
            handler.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")
        return True
    return False
