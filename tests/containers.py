"""Builds images with images/build.sh and runs them as a kubelet would: their numeric user, a read-only root, a writable
/tmp, the host's network.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from slipway_steps.settings import PROJECT_ROOT

BUILD = PROJECT_ROOT / "images" / "build.sh"
CHROOT = """set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
root=$1 directory=$2 user=$3
shift 3
exec chroot --userspec="$user" "$root" /usr/bin/env -i -C "$directory" HOME=/ "$@"
"""
"""What a container runtime does, for buildah, which runs no image read-only."""


def engine() -> str:
    """The engine that images/build.sh would take; empty where there is none."""
    for name, test in (("docker", "info"), ("podman", "--version"), ("buildah", "--version")):
        if shutil.which(name) and subprocess.run([name, test], capture_output=True, check=False).returncode == 0:
            return name
    return ""


class Images:
    """Images of one engine, by the name of their directory."""

    def __init__(self, engine: str, tag: str) -> None:
        self.engine = engine
        self.tag = tag

    def build(self, *names: str) -> None:
        """Build them as `make images` does."""
        subprocess.run([BUILD], env={**os.environ, "ENGINE": self.engine, "IMAGES": " ".join(names)}, check=True)

    def derive(self, name: str, context: Path, target: str) -> str:
        """An image on top of another one, with the files of `context` in `target`; returns its reference."""
        (context / "Dockerfile").write_text(f"FROM {self.reference(name)}\nCOPY files {target}\n")
        self._said("build", "--tag", f"localhost/derived/{name}", str(context))
        return f"localhost/derived/{name}"

    def reference(self, name: str) -> str:
        return f"{'localhost/' if self.engine != 'docker' else ''}slipway/{name}:{self.tag}"

    def _said(self, *arguments: str) -> str:
        done = subprocess.run([self.engine, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def configuration(self, reference: str) -> dict[str, Any]:
        """Env, User, Entrypoint and so on of an image."""
        if self.engine == "buildah":
            found: dict[str, Any] = json.loads(self._said("inspect", "--type", "image", reference))["OCIv1"]["config"]
        else:
            found = json.loads(self._said("image", "inspect", reference))[0]["Config"]
        return found

    @contextmanager
    def command(
        self,
        reference: str,
        arguments: list[str],
        environment: Mapping[str, str],
        entrypoint: list[str] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Iterator[list[str]]:
        """A command that runs the image's entry point, or another one, with these arguments until it ends.

        files: paths in the container and the files of this machine that are there, for everybody to read.
        """
        given = [f"{key}={value}" for key, value in environment.items()]
        found = self.configuration(reference)
        program = [*(found["Entrypoint"] if entrypoint is None else entrypoint), *arguments]
        if self.engine != "buildah":
            options = [part for one in given for part in ("--env", one)]
            options += [part for path, file in (files or {}).items() for part in ("--volume", f"{file}:{path}:ro")]
            limits = ["--read-only", "--tmpfs", "/tmp:mode=1777", "--network", "host", "--cap-drop", "ALL"]
            yield [self.engine, "run", "--rm", *limits, *options, "--entrypoint", program[0], reference, *program[1:]]
            return
        container = self._said("from", reference)
        try:
            root = self._said("mount", container)
            for path, file in (files or {}).items():
                shutil.copy(file, root + path)
            place = [root, found.get("WorkingDir") or "/", found["User"]]
            namespaces = ["unshare", "--mount", "--pid", "--fork"]
            yield [*namespaces, "sh", "-c", CHROOT, "sh", *place, *found["Env"], *given, *program]
        finally:
            self._said("rm", container)

    def run(
        self,
        reference: str,
        arguments: list[str],
        environment: Mapping[str, str],
        entrypoint: list[str] | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        with self.command(reference, arguments, environment, entrypoint, files) as command:
            return subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)

    @contextmanager
    def running(
        self, reference: str, arguments: list[str], environment: Mapping[str, str], log: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run it beside the test, its output in `log`."""
        with self.command(reference, arguments, environment) as command, log.open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=out)
            try:
                yield process
            finally:
                # unshare passes no signal on; its only child is the first process of the container, with which all end
                inside = psutil.Process(process.pid).children() if self.engine == "buildah" else []
                for child in inside:
                    child.kill()
                process.terminate()
                process.wait(timeout=30)
