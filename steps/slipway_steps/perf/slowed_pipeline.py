"""Makes a pipeline in which one step really takes longer, to see whether a comparison finds it.

The command of a step is put behind a program that uses the processor for a while and then becomes that command. This
works for every step that names its command and whose image has python3, on all targets: a template of Argo, and an
executor of Kubeflow's compiled pipelines.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from slipway_steps.domain.errors import BadInput
from slipway_steps.files import replace_file

BUSY = """
import os, sys, time
while time.process_time() < float(sys.argv[1]):
    pass
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Counts the processor time of its own start too, so that the step is slowed by no more than was asked for."""


def slow_pipeline(pipeline: Path, target: Path, seconds: float, longest: list[str]) -> str:
    """Write a copy of a pipeline in which one step uses `seconds` more of processor time. Returns the step's name.

    longest: the names of steps that ran, the longest first; the first of them whose command is known is slowed. Raises
    BadInput where no step has a command.
    """
    try:
        documents = [one for one in yaml.safe_load_all(pipeline.read_text()) if one]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{pipeline} cannot be read: {error}", "name a pipeline of YAML") from error
    containers = dict(container for document in documents for container in _containers(document))
    uses = dict(use for document in documents for use in _uses(document))
    # an item of a loop is called step(0:item), and a pipeline of one pod by the name of its run
    named = [step.partition("(")[0] for step in longest] + [_entrypoint(one) for one in documents]
    found = next(((step, uses.get(step, step)) for step in named if uses.get(step, step) in containers), None)
    if found is None:
        hint = "name the command of a step; its image needs python3"
        raise BadInput(f"no step of {pipeline} has a command that can be slowed", hint)
    step, name = found
    containers[name]["command"] = ["python3", "-I", "-S", "-c", BUSY, f"{seconds:.6f}", *containers[name]["command"]]
    # JSON is YAML in which no text can be taken for a number
    replace_file(target, "\n---\n".join(json.dumps(one, default=str) for one in documents))
    return step


def _containers(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The containers of a document that name their command, by the name of the template or executor."""
    for template in _templates(document):
        container = template.get("container") or template.get("script") or {}
        if isinstance(container.get("command"), list) and container["command"]:
            yield str(template.get("name", "")), container
    for name, executor in ((document.get("deploymentSpec") or {}).get("executors") or {}).items():
        container = executor.get("container") or {}
        if isinstance(container.get("command"), list) and container["command"]:
            yield name, container


def _uses(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Which template or executor each step uses."""
    for template in _templates(document):
        groups = [group if isinstance(group, list) else [group] for group in template.get("steps") or []]
        for task in [*chain.from_iterable(groups), *((template.get("dag") or {}).get("tasks") or [])]:
            if task.get("template"):
                yield str(task["name"]), str(task["template"])
    for name, component in (document.get("components") or {}).items():
        if label := component.get("executorLabel"):
            yield name.removeprefix("comp-"), label


def _templates(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in _spec(document).get("templates") or [] if isinstance(one, dict)]


def _entrypoint(document: dict[str, Any]) -> str:
    return str(_spec(document).get("entrypoint", ""))


def _spec(document: dict[str, Any]) -> dict[str, Any]:
    spec = document.get("spec") or {}
    return spec.get("workflowSpec") or spec  # a CronWorkflow has a spec of its own around it
