"""Checkov's policies, by a program in an environment of its own: it brings a hundred packages."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import SlipwayError
from slipway_workflows.findings.finding import Finding
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.validation.objects import KubeObject, Place
from slipway_workflows.validation.places import FilePlace, waivers_in

ABSENT = "not run: checkov is not installed (docs/validation.md says how)"
SECONDS = 300.0
INDEX = re.compile(r"\[\d+\]")
Policy = tuple[Finding, Place]
"""A policy that is broken, and where."""


def program() -> Path | None:
    """Checkov: the one that SLIPWAY_CHECKOV names, one beside this environment, or one on the path."""
    named = os.environ.get("SLIPWAY_CHECKOV")
    own = Path(sys.prefix) / "checkov" / "bin" / "checkov"
    found = named or (str(own) if own.is_file() else shutil.which("checkov"))
    return Path(found) if found else None


def broken(checkov: Path, objects: Sequence[KubeObject], dockerfiles: Mapping[str, str]) -> Iterator[Policy]:
    """The policies that objects and Dockerfiles break. Raises SlipwayError where checkov fails or does not end."""
    with tempfile.TemporaryDirectory(prefix="slipway-policies-") as name:
        directory = Path(name)
        written: dict[str, KubeObject | str] = {}
        for at, one in enumerate(objects):
            file = directory / f"object{at}" / "object.yaml"
            file.parent.mkdir()
            file.write_text(yaml.safe_dump(_with_namespace(one), sort_keys=False), encoding="utf-8")
            written[file.parent.name] = one
        for at, (path, text) in enumerate(dockerfiles.items()):
            file = directory / f"image{at}" / "Dockerfile"
            file.parent.mkdir()
            file.write_text(text, encoding="utf-8")
            written[file.parent.name] = path
        for check in _run(checkov, directory):
            source = written[Path(str(check["file_path"]).lstrip("/")).parts[0]]
            rule = f"{check['check_id']} policy"
            message, fix = str(check.get("check_name")), str(check.get("guideline") or "See checkov's documentation.")
            if isinstance(source, KubeObject):
                file_name, line = source.place.at((*source.prefix, *_path(check)))
                yield Finding(file_name, line, rule, f"{source}: {message}", fix), source.place
            else:
                lines = check.get("file_line_range") or [1]
                place = FilePlace(source, waivers=waivers_in(dockerfiles[source], source))
                yield Finding(source, max(1, int(lines[0])), rule, message, fix), place


def _path(check: dict[str, Any]) -> FieldPath:
    """The field that checkov names, such as `spec/containers/[0]/image`; the object's name where it names none."""
    named = ((check.get("check_result") or {}).get("evaluated_keys") or ["metadata/name"])[0]
    return tuple(int(key[1:-1]) if INDEX.fullmatch(key) else key for key in str(named).split("/"))


def _with_namespace(one: KubeObject) -> dict[str, Any]:
    """The object as it is installed: a chart's release gives it a namespace."""
    if not one.default_namespace or one.namespace != one.default_namespace:
        return one.manifest
    metadata = one.manifest.get("metadata")
    return {
        **one.manifest,
        "metadata": {**(metadata if isinstance(metadata, dict) else {}), "namespace": one.namespace},
    }


def _run(checkov: Path, directory: Path) -> list[dict[str, Any]]:
    command = [str(checkov), "--directory", str(directory), "--framework", "kubernetes", "dockerfile", "secrets"]
    command += ["--output", "json", "--compact", "--quiet", "--soft-fail", "--skip-download"]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "LOG_LEVEL": "ERROR"}
    try:
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SlipwayError(f"{checkov} did not check the policies: {error}", "mend it, or leave it out") from error
    try:
        answered = json.loads(done.stdout)
    except ValueError as error:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it printed nothing"]
        message = f"{checkov} did not check the policies (exit code {done.returncode}): {last[0][:300]}"
        raise SlipwayError(message, "mend it, or leave it out") from error
    reports = answered if isinstance(answered, list) else [answered]
    return [check for report in reports for check in (report.get("results") or {}).get("failed_checks", [])]
