"""Where resource templates find Kubernetes objects: in files of this machine, or where the caller of a run says."""

import copy
from pathlib import Path
from typing import Any, Protocol

import yaml

from slipway_steps.domain.errors import Broken
from slipway_steps.files import replace_file

Object = dict[str, Any]


class Objects(Protocol):
    """Kubernetes objects. Each method raises Broken, saying what was tried on what."""

    watches: bool
    """Whether something may change an object after it was written, so that waiting for a condition makes sense."""

    def get(self, wanted: Object) -> Object:
        """The object of this kind and name."""

    def create(self, wanted: Object) -> Object:
        """A new object; one of that name must not be there."""

    def apply(self, wanted: Object) -> Object:
        """The object as wanted, made or changed."""

    def patch(self, wanted: Object) -> Object:
        """The object, which has to be there, with these fields changed."""

    def delete(self, wanted: Object) -> Object:
        """The object, no longer there."""


def object_name(wanted: Object) -> str:
    """Kind and name, for messages."""
    metadata = wanted.get("metadata") or {}
    return f"{wanted.get('kind')} {metadata.get('namespace', 'default')}/{metadata.get('name')}"


def merged(old: Any, new: Any) -> Any:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(new, dict):
        return new
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class FileObjects:
    """Objects as YAML files, `<kind>/<namespace>/<name>.yaml`; nothing acts on them."""

    watches = False

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def _path(self, wanted: Object) -> Path:
        metadata = wanted.get("metadata") or {}
        parts = [str(wanted.get("kind")), str(metadata.get("namespace", "default")), str(metadata.get("name"))]
        if any("/" in part or part in ("", ".", "..") for part in parts):
            raise Broken(f"{object_name(wanted)} has no usable name", "kind, namespace and name become a file")
        return self.directory.joinpath(*parts[:2], f"{parts[2]}.yaml")

    def get(self, wanted: Object) -> Object:
        """See Objects."""
        try:
            found = yaml.safe_load(self._path(wanted).read_text())
        except FileNotFoundError as error:
            raise Broken(f"{object_name(wanted)} not found", f"put it into {self._path(wanted)}") from error
        except (OSError, yaml.YAMLError) as error:
            raise Broken(f"{object_name(wanted)} cannot be read from {self._path(wanted)}: {error}") from error
        return found if isinstance(found, dict) else {}

    def create(self, wanted: Object) -> Object:
        """See Objects."""
        if self._path(wanted).exists():
            raise Broken(f"{object_name(wanted)} already exists", "apply it, or delete it before")
        return self._write(copy.deepcopy(wanted))

    def apply(self, wanted: Object) -> Object:
        """See Objects."""
        return self._write(merged(self.get(wanted) if self._path(wanted).exists() else {}, wanted))

    def patch(self, wanted: Object) -> Object:
        """See Objects."""
        return self._write(merged(self.get(wanted), wanted))

    def delete(self, wanted: Object) -> Object:
        """See Objects."""
        found = self.get(wanted)
        self._path(wanted).unlink()
        return found

    def _write(self, found: Object) -> Object:
        path = self._path(found)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, yaml.safe_dump(found))
        except OSError as error:
            raise Broken(
                f"{object_name(found)} cannot be written to {path}: {error.strerror}", "is the disk full?"
            ) from error
        return found
