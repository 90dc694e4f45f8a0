"""Gives each step files of its own: container paths such as /tmp are mapped to files in the step's directory.

On a cluster every pod has its own file system. Here a step's own paths are `/tmp`, its volume mounts, its working
directory and the directories of its declared inputs and outputs. There are two ways to get them there:

- Where the kernel allows it, the step gets a mount namespace in which these paths are its own (`isolation`).
- Elsewhere, and for this project's own images, which work on the machine's files, the paths are rewritten wherever the
  template itself has them: in its command, arguments, script and environment. Values that come from parameters are not
  rewritten, as they may name real files of this machine.
"""

import copy
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.machine.isolation import View, fits
from slipway_workflows.engine.manifests.templates import Template

TMP = "/tmp"  # noqa: S108 - a path inside a container
TERMINATION_LOG = "/dev/termination-log"
"""Where a container writes its termination message, unless it says another `terminationMessagePath`."""
MESSAGE_LIMIT = 4096
"""Kubernetes keeps as many bytes of a termination message."""


def declared_paths(template: Template) -> list[str]:
    """The container paths of the template's input and output artifacts, and of its output parameters."""
    inputs, outputs = template.get("inputs") or {}, template.get("outputs") or {}
    found = [item.get("path") for item in (inputs.get("artifacts") or []) + (outputs.get("artifacts") or [])]
    found += [(item.get("valueFrom") or {}).get("path") for item in outputs.get("parameters") or []]
    return [path for path in found if path]


class StepFiles:
    """The files of one step. `directory`: the step's directory on this machine.

    `isolated`: whether it may get a mount namespace; the attribute says whether it does get one.
    """

    def __init__(self, directory: Path, template: Template, isolated: bool = False) -> None:
        self.directory = directory
        main = template.get("container") or template.get("script") or {}
        mounts = [mount["mountPath"] for mount in main.get("volumeMounts") or []]
        self.mounts = [path.rstrip("/") for path in mounts]
        self.termination_log = str(main.get("terminationMessagePath") or TERMINATION_LOG)
        prefixes = {TMP, self.termination_log, *self.mounts}
        for path in declared_paths(template):
            above = str(PurePosixPath(path).parent)
            prefixes.add(path if above == "/" else above)
        parents = {str(PurePosixPath(path).parent) for path in declared_paths(template)} - {"/"}
        self._directories = {TMP, *self.mounts, *parents}
        if main.get("workingDir") and not Path(main["workingDir"]).is_dir():
            self._directories.add(main["workingDir"])
        self.isolated = isolated and fits(self._directories)
        ordered = sorted((prefix for prefix in prefixes if prefix.startswith("/")), key=len, reverse=True)
        # matches only at the beginning of a path, and whole names: not the end of /var/tmp, not the beginning of /tmpfs
        self._pattern = re.compile(r"(?<![\w./-])(" + "|".join(map(re.escape, ordered)) + r")(?![\w-])")

    def at(self, path: str) -> Path:
        """The file on this machine for a container path: always one in the step's directory, `..` is ignored.

        Raises NodeError for a path that no file can have.
        """
        if "\0" in path:
            raise NodeError(f"path {path!r} holds a NUL character", "no file can have it")
        parts = [part for part in path.split("/") if part not in ("", "..", ".")]
        return self.directory.joinpath(*parts)

    def view(self, visible: Iterable[Path]) -> View:
        """The mount namespace of the step, only for one that is `isolated`; its directories are created.

        `visible`: directories of this machine that the step needs, even where they lie in a directory of its own.
        """
        own = [path for path in self._directories if path.startswith("/") and not self._is_inside_own(path)]
        for path in self._directories:
            self.at(path).mkdir(parents=True, exist_ok=True)
        return View(self.directory, own, visible)

    def _is_inside_own(self, path: str) -> bool:
        """Whether a container path lies inside one of the step's own directories."""
        return any(path.startswith(f"{other}/") for other in self._directories)

    def output_path(self, path: str) -> Path:
        """The file on this machine from which the output at a container path is taken after the step.

        It is a file of the step's directory. Only for a path outside of the step's own directories that exists on the
        machine, such as /etc/hostname, it is the machine's file: the step saw that one.
        """
        is_own = self._is_inside_own(path) or path in self._directories
        is_machine_file = os.path.lexists(path) and not is_own and (self.isolated or not os.path.lexists(self.at(path)))
        return Path(path) if is_machine_file else self.at(path)

    def termination_message(self) -> str:
        """What the program wrote to its termination log; "" where it wrote nothing, or to the one of this machine."""
        try:
            with self.at(self.termination_log).open("rb") as log:
                return log.read(MESSAGE_LIMIT).decode(errors="replace").strip()
        except OSError:
            return ""

    def prepare(self, template: Template) -> None:
        """Create the directories that a container would have: /tmp, the volume mounts, those of declared paths."""
        self.at(self.termination_log).parent.mkdir(parents=True, exist_ok=True)
        for path in (TMP, *self.mounts):
            self.at(path).mkdir(parents=True, exist_ok=True)
        for path in declared_paths(template):
            self.at(path).parent.mkdir(parents=True, exist_ok=True)

    def with_container_paths(self, text: str) -> str:
        """A text that the step wrote, with the paths of its directory turned back into container paths."""
        own = str(self.directory)
        return text.replace(own + "/", "/").replace(own, "/") if own in text else text

    def rewrite(self, template: Template) -> Template:
        """A copy of the template in which the step's own paths are those on this machine; unchanged if `isolated`."""
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
