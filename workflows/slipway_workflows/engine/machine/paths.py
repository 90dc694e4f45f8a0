"""Gives each step files of its own: container paths such as /tmp lead into the step's directory.

On a cluster every pod has its own file system. Here a step's own paths are `/tmp`, its mounts, its working directory
and the directories of its inputs and outputs. Where the kernel allows it they are mounted over the machine's
(`isolation`). Elsewhere, and for this project's own images, which work on the machine's files, they are rewritten where
the template writes them down: in its command, arguments, script and environment. Values that come in by parameters are
left alone then: they may name real files of this machine.
"""

import copy
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from slipway_workflows.engine.machine.isolation import View, fits
from slipway_workflows.engine.manifests.templates import Template

ALWAYS = "/tmp"  # noqa: S108 - a path inside a container


def declared(template: Template) -> list[str]:
    """The container paths of the template's inputs and outputs."""
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    found = [item.get("path") for item in (inputs.get("artifacts") or []) + (outputs.get("artifacts") or [])]
    found += [(item.get("valueFrom") or {}).get("path") for item in outputs.get("parameters") or []]
    return [path for path in found if path]


class StepFiles:
    """The directory of one step, and where container paths lie in it."""

    def __init__(self, directory: Path, template: Template, isolated: bool = False) -> None:
        self.directory = directory
        main = template.get("container") or template.get("script") or {}
        mounts = [mount["mountPath"] for mount in main.get("volumeMounts") or []]
        self.mounts = [path.rstrip("/") for path in mounts]
        prefixes = {ALWAYS, *self.mounts}
        for path in declared(template):
            above = str(PurePosixPath(path).parent)
            prefixes.add(path if above == "/" else above)
        parents = {str(PurePosixPath(path).parent) for path in declared(template)} - {"/"}
        self._directories = {ALWAYS, *self.mounts, *parents}
        self.isolated = isolated and fits(self._directories)
        if main.get("workingDir") and not Path(main["workingDir"]).is_dir():
            self._directories.add(main["workingDir"])
        ordered = sorted((prefix for prefix in prefixes if prefix.startswith("/")), key=len, reverse=True)
        # only where the path begins, and only whole names: not /var/tmp, not /tmpfs
        self._pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, ordered)) + r")(?![\w-])")

    def at(self, path: str) -> Path:
        """Where a container path lies. A path that leads out of the directory is taken as lying in it."""
        parts = [part for part in path.split("/") if part not in ("", "..", ".")]
        return self.directory.joinpath(*parts)

    def view(self, kept: Iterable[Path]) -> View:
        """The file system of the step; `kept`: real directories that it needs. Only where `isolated`."""
        own = [path for path in self._directories if path.startswith("/") and not self._above(path)]
        for path in self._directories:
            self.at(path).mkdir(parents=True, exist_ok=True)
        return View(self.directory, own, kept)

    def _above(self, path: str) -> bool:
        """Whether an own directory lies above a path."""
        return any(path.startswith(f"{other}/") for other in self._directories)

    def written(self, path: str) -> Path:
        """Where a container path that the step has left lies: in its directory, or, as part of what this machine lends
        to the image (/etc, say), on the machine.
        """
        mine = self._above(path) or path in self._directories
        lent = os.path.lexists(path) and not mine and (self.isolated or not os.path.lexists(self.at(path)))
        return Path(path) if lent else self.at(path)

    def prepare(self, template: Template) -> None:
        """Make the directories that exist in a container: /tmp, mounts, those of declared paths."""
        for path in (ALWAYS, *self.mounts):
            self.at(path).mkdir(parents=True, exist_ok=True)
        for path in declared(template):
            self.at(path).parent.mkdir(parents=True, exist_ok=True)

    def outside(self, text: str) -> str:
        """A text that a step wrote, with its directory's paths as a container would have had them."""
        own = str(self.directory)
        return text.replace(own + "/", "/").replace(own, "/") if own in text else text

    def rewrite(self, template: Template) -> Template:
        """The template with its own paths leading into the directory; as it is, where they are mounted."""
        if self.isolated:
            return template
        result = copy.copy(template)
        for kind in ("container", "script"):
            if template.get(kind):
                result[kind] = self._container(template[kind])
        for side in ("inputs", "outputs"):
            if template.get(side):
                result[side] = self._declarations(template[side])
        return result

    def _text(self, text: str) -> str:
        return self._pattern.sub(lambda match: str(self.at(match.group(1))), text)

    def _container(self, main: dict[str, Any]) -> dict[str, Any]:
        result = dict(main)
        for key in ("command", "args"):
            if main.get(key):
                result[key] = [self._text(word) if isinstance(word, str) else word for word in main[key]]
        if main.get("source"):
            result["source"] = self._text(main["source"])
        if main.get("env"):
            result["env"] = [_each_string(variable, self._text) for variable in main["env"]]
        return result

    def _declarations(self, side: dict[str, Any]) -> dict[str, Any]:
        result = dict(side)
        if side.get("artifacts"):
            result["artifacts"] = [
                {**item, "path": str(self.at(item["path"]))} if item.get("path") else item for item in side["artifacts"]
            ]
        if side.get("parameters"):
            result["parameters"] = [self._parameter(item) for item in side["parameters"]]
        return result

    def _parameter(self, item: dict[str, Any]) -> dict[str, Any]:
        source = item.get("valueFrom") or {}
        if not source.get("path"):
            return item
        return {**item, "valueFrom": {**source, "path": str(self.at(source["path"]))}}


def _each_string(value: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    return {key: change(entry) if isinstance(entry, str) and key == "value" else entry for key, entry in value.items()}
