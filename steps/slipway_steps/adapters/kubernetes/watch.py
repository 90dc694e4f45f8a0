"""Follows the objects of a list from a thread of its own: what changes is told at once, and nothing is polled."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slipway_steps.adapters.kubernetes.api import Api, Gone, Unavailable
from slipway_steps.domain.errors import PlatformError

Object = dict[str, Any]
WINDOW = 240
"""Seconds of one request; the server ends it then, and the next one goes on where it ended. Load balancers in front of
API servers cut what is silent for five minutes."""
READ = 1 << 16
"""Bytes that are read at most at once; what is there is taken at once, however little it is."""
PAUSE = 1.0
"""Seconds before the list is read again after a broken connection."""


class Watch:
    """Tells of each object of the list at `path` that is there, is added, changed or deleted.

    on_change: is called with what happened (ADDED, MODIFIED, DELETED) and the object, by the thread of this watch.
    on_error: is called once where the server refuses the watch for good, or where what it says cannot be understood; an
    outage is waited for.
    query: such as `labelSelector`.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        what: str,
        on_change: Callable[[str, Object], None],
        on_error: Callable[[PlatformError], None],
        **query: str,
    ) -> None:
        self.api = api
        self.path = path
        self.what = what
        self.on_change = on_change
        self.on_error = on_error
        self.query = query
        self._known: dict[str, Object] = {}
        self._ends = threading.Event()
        self._answer: Any = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch {path}")

    def start(self) -> None:
        """Read the list, then follow it. Returns when the list was read. Raises PlatformError where it cannot be."""
        version = self._listed()
        self._thread = threading.Thread(target=self._run, args=(version,), daemon=True, name=f"watch {self.path}")
        self._thread.start()

    def close(self) -> None:
        """End the watch. Twice is not an error."""
        self._ends.set()
        with suppress(Exception):  # the connection may be in any state
            self._answer.shutdown()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self, version: str) -> None:
        while not self._ends.is_set():
            try:
                version = self._followed(version) if version else self._listed()
            except Gone:
                version = ""
            except Unavailable:
                version = ""
                self._ends.wait(PAUSE)
            except PlatformError as error:
                self._failed(error)
                return
            except Exception as error:  # this thread has no caller: who waits for what it tells has to learn of it
                self._failed(PlatformError(f"{self.what} failed: {error!r}", "report this"))
                return

    def _failed(self, error: PlatformError) -> None:
        if not self._ends.is_set():
            self.on_error(error)

    def _listed(self) -> str:
        """Tell of all objects that are there, and of those that have gone; returns the version of the list."""
        found = self.api.get(self.path, what=self.what, absent=False, **self.query)
        items = {one["metadata"]["uid"]: one for one in found.get("items") or []}
        for uid in [uid for uid in self._known if uid not in items]:
            self._tell("DELETED", self._known[uid])
        for one in items.values():
            self._tell("MODIFIED" if one["metadata"]["uid"] in self._known else "ADDED", one)
        return str(found["metadata"]["resourceVersion"])

    def _followed(self, version: str) -> str:
        """Tell of what changes after `version`, until the request ends; returns the version that was reached."""
        query = {**self.query, "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        query["timeoutSeconds"] = str(WINDOW)
        with self.api.growing(self.path, what=self.what, seconds=WINDOW + 10, **query) as answer:
            self._answer, rest = answer, b""
            while not self._ends.is_set() and (data := answer.read1(READ)):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    version = self._event(json.loads(line))
        return version

    def _event(self, event: Object) -> str:
        """Tell of one event; returns the version that it reaches."""
        one: Object = event["object"]
        if event["type"] == "ERROR":
            raise (Gone if one.get("code") == 410 else Unavailable)(f"{self.what} ended: {one.get('message')}")
        if event["type"] != "BOOKMARK":
            self._tell(event["type"], one)
        return str(one["metadata"]["resourceVersion"])

    def _tell(self, happened: str, one: Object) -> None:
        if happened == "DELETED":
            self._known.pop(one["metadata"]["uid"], None)
        else:
            self._known[one["metadata"]["uid"]] = one
        self.on_change(happened, one)
