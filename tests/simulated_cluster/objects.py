"""The API server of the simulated cluster as its own controllers use it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from kube_api_server import KubeApi, Refused

Object = dict[str, Any]


class Objects(KubeApi):
    """KubeApi with the calls of a controller: each reads or changes one object at a time, with the server's lock."""

    def all_of(self, kind: str) -> list[Object]:
        """Copies of all objects of a kind."""
        with self._lock:
            return [copy.deepcopy(one) for one in self.objects.values() if one["kind"] == kind]

    def find(self, kind: str, name: str, namespace: str) -> Object | None:
        """A copy of an object, None where there is none."""
        with self._lock:
            return next(
                (
                    copy.deepcopy(one)
                    for key, one in self.objects.items()
                    if one["kind"] == kind and key[2:] == (namespace, name)
                ),
                None,
            )

    def create(self, one: Object) -> None:
        """Create an object; a pod has to be admitted. Raises Refused."""
        with self._lock:
            self._admit(self._key(one), one)
            self.add(one)

    def change(self, kind: str, name: str, namespace: str, edit: Callable[[Object], None]) -> bool:
        """Change an object in place, which gives it a new resourceVersion. False: it is not there any more."""
        with self._lock:
            found = self.find(kind, name, namespace)
            if found is None:
                return False
            edit(found)
            self.add(found)
            return True

    def delete(self, kind: str, name: str, namespace: str) -> None:
        """Delete an object; that it is not there is no error."""
        with self._lock:
            for key in list(self._keys(kind)):
                if key[2:] == (namespace, name):
                    del self.objects[key]

    def _keys(self, kind: str) -> Iterator[tuple[str, str, str, str]]:
        return (key for key, one in list(self.objects.items()) if one["kind"] == kind)


__all__ = ["Object", "Objects", "Refused"]
