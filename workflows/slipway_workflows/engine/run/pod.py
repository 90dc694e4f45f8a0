"""A container or script template, which is a pod on a cluster: here one step with its files and its outputs."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from slipway_steps.files import no_room
from slipway_workflows.engine.errors import NodeError
from slipway_workflows.engine.language.texts import encode
from slipway_workflows.engine.machine.paths import TMP, StepFiles
from slipway_workflows.engine.machine.processes import NOT_FOUND
from slipway_workflows.engine.machine.step_process import Finished, StepProgram
from slipway_workflows.engine.manifests.templates import Template
from slipway_workflows.engine.run.artifact_files import ARTIFACTS, copy, copy_readable, stored_artifact
from slipway_workflows.engine.run.deadline import DEADLINE_MESSAGE, time_left
from slipway_workflows.engine.run.operation import Operation
from slipway_workflows.engine.run.place import Place
from slipway_workflows.engine.state.nodes import Node

ARTIFACT_NAME = re.compile(r"[-a-zA-Z0-9_]+")
"""The names that Argo's validation lets an artifact have."""
FillRewritten = Callable[[Callable[[Template], Template]], Template]
"""Takes a function that rewrites the paths of a template. It is applied to the template before its tags are filled in,
so that it changes only what the template itself says, and not the values of parameters. Returns the filled template."""


async def execute_pod(
    operation: Operation, node: Node, template: Template, fill_rewritten: FillRewritten, place: Place
) -> None:
    """Run the program of a container or script template; the node has its outputs and its final phase afterwards.

    `template`: with its tags filled in. `fill_rewritten`: makes of it the one with the paths of this machine. Raises
    NodeError where the program is not known here, an input artifact was not supplied, or the timeout leaves too little
    time. Where the files of the step cannot be written or read, the node has phase Error, as a pod has in Argo whose
    init container fails.
    """
    if not operation.shutdown.may_run(place.on_exit):
        operation.tree.mark(node, "Failed", operation.shutdown.reason)
        return
    limit = time_left(node, template)  # here, because Argo does not count the wait for the workflow's parallelism
    async with operation.parallelism.pod(node.id):
        await _run(operation, node, template, fill_rewritten, place, limit)


async def _run(
    operation: Operation,
    node: Node,
    template: Template,
    fill_rewritten: FillRewritten,
    place: Place,
    limit: float | None,
) -> None:
    if not operation.shutdown.may_run(place.on_exit):
        operation.tree.mark(node, "Failed", operation.shutdown.reason)
        return
    directory = operation.machine.directory / "work" / node.id
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    try:
        main = template.get("container") or template["script"]
        images = operation.library.images
        files = StepFiles(
            directory, template, operation.machine.isolated and not images.is_ours(str(main.get("image")))
        )
        rewritten = fill_rewritten(files.rewrite)
        files.prepare(template)
        if problem := _place_artifacts(operation, template, files):
            operation.tree.mark(node, "Error", problem)
            return
        if place.on_exit:
            operation.shutdown.exit_pods.add(node.id)
        capture = reads_result(place.referrer, node.display_name)
        finished = await _run_program(operation, node, rewritten, files, capture, limit)
        _finish(operation, node, template, files, finished, capture)
    except OSError as error:
        # a path that this machine cannot have, a file that may not be read, a full disk
        reason = f"{error.strerror}: {error.filename}" if error.strerror else str(error)
        operation.tree.mark(node, "Error", f"the files of {node.name} cannot be prepared or kept: {reason}")
    finally:
        operation.shutdown.exit_pods.discard(node.id)
        shutil.rmtree(directory, ignore_errors=True)


async def _run_program(
    operation: Operation, node: Node, template: Template, files: StepFiles, capture: bool, limit: float | None
) -> Finished:
    """Run the program of a template, whose paths are those of this machine, for at most `limit` seconds."""
    main = template.get("container") or template["script"]
    image = str(main.get("image") or "")
    images = operation.library.images
    if not images.is_known(image):
        raise NodeError(f"image {image!r} stands for no program of this machine")
    command = list(main.get("command") or images.command(image))
    if not command:
        raise NodeError(f"image {image!r}: its entrypoint is not known on this machine", "set container.command")
    command += main.get("args") or []
    if "source" in main:
        script = files.directory / ".script"
        script.write_text(main["source"])
        command.append("/.script" if files.isolated else str(script))
    path = os.pathsep.join([*images.path(image), os.environ.get("PATH", os.defpath)])
    argv = images.program(image, command, path)
    if argv is None:
        return Finished(NOT_FOUND, problem=f'failed to find name in PATH: exec: "{command[0]}"')
    directory, enter = files.directory, None
    if files.isolated:
        visible = (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[2])
        inside = main.get("workingDir") or "/"
        enter = partial(files.view([*visible, *map(Path, images.path(image))]).enter, inside)
    elif main.get("workingDir"):
        directory = files.at(main["workingDir"])
        directory.mkdir(parents=True, exist_ok=True)
    log = operation.machine.directory / "logs" / f"{node.id}.log"
    environment = _environment(operation, main, files, path)
    program = StepProgram(argv, directory, environment, enter, images.preload(image, argv))
    return await operation.machine.processes.run(node.id, program, log, capture, limit, DEADLINE_MESSAGE)


def _environment(operation: Operation, main: dict[str, Any], files: StepFiles, path: str) -> dict[str, str]:
    """The environment variables of a container or script, `main`. `path`: the value for PATH."""
    own = Path(sys.executable).parent
    environment = {
        "PATH": f"{own}{os.pathsep}{path}",
        "HOME": "/" if files.isolated else str(files.directory),
        "TMPDIR": TMP if files.isolated else str(files.at(TMP)),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **operation.machine.environment,
    }
    for source in main.get("envFrom") or []:
        reference = source.get("configMapRef")
        if reference is None:
            continue
        values = operation.library.config_values(str(reference.get("name")), bool(reference.get("optional")))
        environment |= {**values, **operation.machine.environment}
    for variable in main.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("configMapKeyRef")
        value = operation.library.config_value(reference) if reference else variable.get("value")
        environment[variable["name"]] = str(value if value is not None else "")
    return environment


def reads_result(referrer: Template | None, display_name: str) -> bool:
    """Whether the template around a node, `referrer`, mentions its `outputs.result`: as in Argo, it is only captured
    then. `display_name`: of the node.
    """
    if referrer is None:
        return False
    name = re.escape(display_name.split("(", maxsplit=1)[0])
    own = rf"(?:steps|tasks)(?:\.{name}|\[\\?['\"]{name}\\?['\"]\])\.outputs\.result"
    return re.search(own, encode(referrer)) is not None


def _place_artifacts(operation: Operation, template: Template, files: StepFiles) -> str:
    """Put the input artifacts at their paths. Returns a message about the first that cannot be put there, or "".

    Raises NodeError for one that was not supplied.
    """
    for artifact in (template.get("inputs") or {}).get("artifacts") or []:
        if not artifact.get("path"):
            continue
        target, key = files.at(artifact["path"]), (artifact.get("s3") or {}).get("key")
        try:
            if artifact.get("raw"):
                target.write_text(artifact["raw"]["data"])
            elif key:
                source = stored_artifact(operation.machine.directory, key)
                if source is None:
                    wanted = operation.machine.directory.parents[1] / ARTIFACTS
                    return f"artifact {artifact['name']} failed to load: {key} does not exist: put it into {wanted}"
                copy(source, target)
            elif not artifact.get("optional"):
                raise NodeError(f"inputs.artifacts.{artifact['name']} was not supplied")
            if artifact.get("mode") is not None and target.exists():
                target.chmod(int(artifact["mode"]))
        except OSError as error:
            return f"artifact {artifact['name']} cannot be written to {artifact['path']}: {error.strerror or error}"
    return ""


def _finish(
    operation: Operation, node: Node, template: Template, files: StepFiles, finished: Finished, capture: bool
) -> None:
    """Give the node its outputs and its final phase, after its program has ended."""
    outputs: dict[str, Any] = {"exitCode": str(finished.code)}
    if capture:
        text = finished.stdout.decode(errors="replace")
        outputs["result"] = files.with_container_paths(text.removesuffix("\n"))
    declared = template.get("outputs") or {}
    problem = ""
    if declared.get("parameters"):
        outputs["parameters"], problem = _parameters(declared["parameters"], files)
    if declared.get("artifacts") and not problem:
        outputs["artifacts"], problem = _artifacts(operation, node, declared["artifacts"], files)
    node.outputs = outputs
    tree = operation.tree
    # now, as the files of the step are removed next: what the step itself said about it may have found no room
    full = f"; {said}" if (finished.code or problem) and (said := no_room(files.directory)) else ""
    if finished.end_reason:
        tree.mark(node, "Failed", finished.end_reason)
    elif finished.code:
        problem = finished.problem or files.with_container_paths(files.termination_message())
        said = f": {problem}" if problem else ""
        tree.mark(node, "Failed", f"main: Error (exit code {finished.code}){said}{full}")
    elif problem:
        tree.mark(node, "Error", problem + full)
    else:
        tree.mark(node, "Succeeded")


def _parameters(declared: list[dict[str, Any]], files: StepFiles) -> tuple[list[dict[str, Any]], str]:
    """The output parameters with their values, and a message about the first that has none, or "". As in Argo, those
    after that one are not read.
    """
    result = [dict(item) for item in declared]
    for item in result:
        source = item.get("valueFrom") or {}
        if not source.get("path"):
            continue
        try:
            text = files.at(source["path"]).read_bytes().decode(errors="replace")
            item["value"] = files.with_container_paths(text.removesuffix("\n"))
        except OSError:
            if source.get("default") is None:
                return result, f"cannot save parameter {item['name']}: {source['path']} does not exist"
            item["value"] = source["default"]
    return result, ""


def _artifacts(
    operation: Operation, node: Node, declared: list[dict[str, Any]], files: StepFiles
) -> tuple[list[dict[str, Any]], str]:
    """Move the output artifacts into the run's directory of artifacts, where later steps find them. Returns them with
    their locations, and a message about the first that is missing, or "".
    """
    result: list[dict[str, Any]] = []
    for item in declared:
        if not item.get("path"):
            continue
        if not ARTIFACT_NAME.fullmatch(item["name"]):
            # the name becomes a path, and what is there is deleted: it must not lead out of the run's directory
            return result, f"cannot save artifact {item['name'][:60]!r}: a name has only letters, digits, - and _"
        source = files.output_path(item["path"])
        if not source.is_file() and not source.is_dir():
            if item.get("optional"):
                continue
            found = "is no file and no directory" if source.exists() else "does not exist"
            return result, f"cannot save artifact {item['name']}: {item['path']} {found}"
        key = f"{ARTIFACTS}/{node.id}/{item['name']}"
        target = operation.machine.directory / key
        target.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        if source.is_relative_to(files.directory):
            shutil.move(source, target)
        else:
            copy_readable(source, target)
        result.append({**item, "s3": {"key": key}})
    return result, ""
