"""Makes a pipeline in which one step really takes longer, to see whether a comparison finds it.

The step gets a copy of its template under another name, as other steps may use the same template. The command of the
copy is put behind a program that uses the processor for a while and then becomes that command. This works for every
step that names its command and whose image has python3, on all targets: a template of Argo, and an executor of
Kubeflow's compiled pipelines.
"""

import copy
import json
from collections.abc import Container, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

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


LEAST_SECONDS = 0.03
"""Processor time of a node that BUSY can keep to; its own start takes about half of it."""
Object = dict[str, Any]


class Use(NamedTuple):
    """Where a document names what a step runs: `caller[key]` is the name of a template or of a component."""

    document: Object
    caller: Object
    key: str

    def container(self) -> Object | None:
        """The container that the step runs; None where it has none that names its command."""
        name = str(self.caller.get(self.key, ""))
        if executors := _executors(self.document):
            component = (self.document.get("components") or {}).get(name) or {}
            program = executors.get(str(component.get("executorLabel", ""))) or {}
        else:
            program = next((one for one in _templates(self.document) if one.get("name") == name), {})
        found: Object = program.get("container") or program.get("script") or {}
        return found if isinstance(found.get("command"), list) and found["command"] else None

    def separate(self) -> None:
        """Let this step run a copy that no other step runs."""
        name = str(self.caller[self.key])
        if executors := _executors(self.document):
            components = self.document["components"]
            component = copy.deepcopy(components[name])
            label = component["executorLabel"]
            component["executorLabel"] = _free(label, executors)
            executors[component["executorLabel"]] = copy.deepcopy(executors[label])
            self.caller[self.key] = _free(name, components)
            components[self.caller[self.key]] = component
        else:
            templates = _spec(self.document)["templates"]
            template = copy.deepcopy(next(one for one in templates if one.get("name") == name))
            template["name"] = self.caller[self.key] = _free(name, [one.get("name") for one in templates])
            templates.append(template)


def slow_pipeline(pipeline: Path, target: Path, seconds: float, nodes: Mapping[str, int]) -> str:
    """Write a copy of a pipeline in which one step uses `seconds` more of processor time, all its nodes of a run
    together. Returns the step's name.

    nodes: how many nodes each step has in a run (a loop has one for each item), the longest step first. The first step
    whose command is known is slowed, and rather one whose nodes get enough of the seconds to keep to them. Raises
    BadInput where no step has a command.
    """
    try:
        # by JSON, as parts that YAML names by an anchor would else be one object
        told = [json.loads(json.dumps(one, default=str)) for one in yaml.safe_load_all(pipeline.read_text()) if one]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{pipeline} cannot be read: {error}", "name a pipeline of YAML") from error
    documents = [one for one in told if isinstance(one, dict)]
    uses: dict[str, list[Use]] = {}
    for name, use in chain.from_iterable(map(_uses, documents)):
        uses.setdefault(name, []).append(use)
    # a pipeline of one pod is called by the name of its run
    counts = dict.fromkeys(map(_entrypoint, documents), 1) | dict(nodes)
    named = [name for name in [*nodes, *counts] if name in uses and all(use.container() for use in uses[name])]
    if not named:
        hint = "name the command of a step; its image needs python3"
        raise BadInput(f"no step of {pipeline} has a command that can be slowed", hint)
    step = next((name for name in named if seconds / counts[name] >= LEAST_SECONDS), named[0])
    share = f"{seconds / counts[step]:.6f}"
    for use in uses[step]:
        use.separate()
        if container := use.container():
            container["command"] = ["python3", "-I", "-S", "-c", BUSY, share, *container["command"]]
    # JSON is YAML in which no text can be taken for a number
    replace_file(target, "\n---\n".join(map(json.dumps, documents)))
    return step


def _uses(document: Object) -> Iterator[tuple[str, Use]]:
    """What each step runs, by its name; an entrypoint or exit handler that is a pod has that of its template."""
    for template in _templates(document):
        groups = [group if isinstance(group, list) else [group] for group in template.get("steps") or []]
        for task in [*chain.from_iterable(groups), *((template.get("dag") or {}).get("tasks") or [])]:
            yield str(task["name"]), Use(document, task, "template")
    spec = _spec(document)
    for caller, key in ((spec, "entrypoint"), (spec, "onExit"), *((one, "template") for one in _hooks(spec))):
        if caller.get(key):
            yield str(caller[key]), Use(document, caller, key)
    for owner in (document.get("root") or {}, *(document.get("components") or {}).values()):
        for name, task in ((owner.get("dag") or {}).get("tasks") or {}).items():
            for known in {name, str((task.get("taskInfo") or {}).get("name") or name)}:
                yield known, Use(document, task.get("componentRef") or {}, "name")


def _hooks(spec: Object) -> Iterator[Object]:
    return (one for one in (spec.get("hooks") or {}).values() if isinstance(one, dict))


def _executors(document: Object) -> Object:
    found: Object = (document.get("deploymentSpec") or {}).get("executors") or {}
    return found


def _free(name: str, taken: Container[str]) -> str:
    """A name like that one which nothing has."""
    while (name := f"{name}-slowed") in taken:
        pass
    return name


def _templates(document: Object) -> list[Object]:
    return [one for one in _spec(document).get("templates") or [] if isinstance(one, dict)]


def _entrypoint(document: Object) -> str:
    return str(_spec(document).get("entrypoint", ""))


def _spec(document: Object) -> Object:
    spec = document.get("spec") or {}
    return spec.get("workflowSpec") or spec  # a CronWorkflow has a spec of its own around it
