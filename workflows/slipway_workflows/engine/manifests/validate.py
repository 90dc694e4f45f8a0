"""Checks a workflow before anything runs: its spec, and every template that it can reach."""

import contextlib
from collections.abc import Iterable
from typing import Any

from slipway_steps.domain.errors import SlipwayError, WorkflowInvalid
from slipway_workflows.engine.manifests import fields
from slipway_workflows.engine.manifests.argo_order import in_argo_order
from slipway_workflows.engine.manifests.arguments import by_name
from slipway_workflows.engine.manifests.depends import conditions_of, order_of
from slipway_workflows.engine.manifests.resources import resource_fault
from slipway_workflows.engine.manifests.synchronization import locks_of
from slipway_workflows.engine.manifests.tags import KNOWN_ON_EXIT, output_names, own_names, simple_tags, unresolvable
from slipway_workflows.engine.manifests.templates import Context, Template, TemplateCaller, template_type

LOOPS = ("withItems", "withParam", "withSequence")


def validate(spec: dict[str, Any], context: Context, global_names: set[str]) -> None:
    """Check the merged spec of a workflow, and every template that it reaches.

    `context`: where the workflow's own templates are looked up. `global_names`: the `workflow.*` names that it begins
    with. Raises WorkflowInvalid, with all faults in its message.
    """
    validator = _Validator(context, global_names)
    validator.faults += fields.faults(spec, fields.SPEC, "spec")
    if not spec.get("entrypoint"):
        validator.faults.append("spec.entrypoint: is required")
    if not validator.faults:
        validator.locks(spec.get("synchronization"), "spec")
        validator.file_volumes(spec, "spec")
        validator.caller(
            {"template": spec["entrypoint"], "arguments": spec.get("arguments") or {}}, context, "spec", False
        )
        for name, hook in (spec.get("hooks") or {}).items():
            validator.caller(hook, context, f"spec.hooks.{name}", True)
        if spec.get("onExit"):
            validator.caller({"template": spec["onExit"]}, context, "spec.onExit", True)
        validator.check_tags()
    refuse(validator.faults)


def refuse(faults: Iterable[str]) -> None:
    """Raise WorkflowInvalid with all of these faults in its message, if there are any."""
    found = list(dict.fromkeys(faults))
    if found:
        raise WorkflowInvalid("invalid spec: " + "; ".join(found), "nothing was started")


class _Validator:
    """Walks through the templates that a workflow reaches, each once, and gathers their faults."""

    def __init__(self, context: Context, global_names: set[str]) -> None:
        self.faults: list[str] = []
        self.library = context.library
        self.global_names = global_names
        """Names that every template can read; those of global outputs are added as they are found."""
        self._seen: set[tuple[str, int, bool]] = set()
        """The templates that have been checked: their scope, a key of them, and whether an exit handler runs them."""
        self._tagged: list[tuple[str, Any, set[str], bool]] = []
        """What has tags that have to be checked at the end; see `_check_later`."""
        self._alive: list[Template] = []
        """The templates that have been checked. Keeping them makes sure that no other template gets the same id()."""

    def caller(self, caller: TemplateCaller, context: Context, path: str, on_exit: bool) -> Template | None:
        """Check what a step, task or hook names: the template with all inside of it, and the arguments that it needs.

        Returns the template; None where it is unknown or at fault, or where a tag in its name hides which one it is.
        """
        kinds = [key for key in ("template", "templateRef", "inline") if caller.get(key)]
        if len(kinds) != 1:
            self.faults.append(f"{path}: needs one of template, templateRef and inline")
            return None
        if "{{" in str(caller.get("template") or caller.get("templateRef") or ""):
            # a tag in the name is filled in at run time: it may be any template of the workflow
            for name, template in context.templates.items():
                self.faults += fields.faults(template, fields.TEMPLATE, f"{path}: templates.{name}")
            return None
        try:
            template, inner = context.resolve(caller)
            unknown = list(fields.faults(template, fields.TEMPLATE, f"{path}: templates.{template.get('name')}"))
            self.faults += unknown
            if unknown:
                return None
            template_type(template)
        except SlipwayError as error:
            self.faults.append(f"{path}: {error.message}")
            return None
        self._arguments(caller.get("arguments") or {}, template, path)
        where = (
            f"{inner.template_scope}: templates.{template.get('name')}"
            if caller.get("template") or caller.get("templateRef")
            else path
        )
        self._template(template, inner, where.removeprefix("local/"), on_exit)
        return template

    def locks(self, synchronization: dict[str, Any] | None, path: str) -> None:
        """Check that the ConfigMaps of semaphores exist and hold numbers."""
        if "{{" in str(synchronization):
            return
        try:
            locks_of(synchronization, self.library)
        except (SlipwayError, ValueError) as error:
            self.faults.append(f"{path}.synchronization: {error}")

    def _arguments(self, given: dict[str, Any], template: Template, path: str) -> None:
        inputs = template.get("inputs") or {}
        for item in inputs.get("parameters") or []:
            source = item.get("valueFrom") or {}
            own = item.get("value", item.get("default", source.get("default", source.get("configMapKeyRef"))))
            other = by_name(given.get("parameters"), item.get("name", "")) or {}
            if own is None and other.get("value") is None and not other.get("valueFrom"):
                self.faults.append(
                    f"{path} templates.{template.get('name')} inputs.parameters.{item.get('name')} was not supplied"
                )
        for item in inputs.get("artifacts") or []:
            found = by_name(given.get("artifacts"), item.get("name", ""))
            if found is None and not item.get("optional") and not item.get("raw"):
                self.faults.append(
                    f"{path} templates.{template.get('name')} inputs.artifacts.{item.get('name')} was not supplied"
                )
        for item in given.get("artifacts") or []:
            if not item.get("from") and not item.get("raw"):
                self.faults.append(f"{path}.arguments.{item.get('name')}: from or raw is required")

    def _template(self, template: Template, context: Context, path: str, on_exit: bool) -> None:
        key = (context.template_scope, id(template), on_exit)
        name = str(template.get("name") or "")
        if name and (context.template_scope, hash(name), on_exit) in self._seen:
            return
        self._seen.add((context.template_scope, hash(name), on_exit) if name else key)
        self._alive.append(template)
        found = list(fields.faults(template, fields.TEMPLATE, path))
        self.faults += found
        if found:
            return
        kind = template_type(template)
        self.file_volumes(template, path)
        self._check_tags_end(in_argo_order(template, fields.TEMPLATE), path)
        for item in (template.get("outputs") or {}).get("parameters") or []:
            if item.get("globalName"):
                self.global_names.add(f"workflow.outputs.parameters.{item['globalName']}")
        for item in (template.get("outputs") or {}).get("artifacts") or []:
            if item.get("globalName"):
                self.global_names.add(f"workflow.outputs.artifacts.{item['globalName']}")
        if template.get("synchronization"):
            self.locks(template["synchronization"], path)
        known = own_names(template)
        ignored = ("steps", "dag", *fields.IGNORED_IN_TEMPLATE)
        ordered = in_argo_order(template, fields.TEMPLATE)
        rest = {key: value for key, value in ordered.items() if key not in ignored}
        if kind in ("container", "script"):
            self._container(template[kind], f"{path}.{kind}")
            self._check_later(path, rest, known, on_exit)
            return
        if kind == "resource":
            wrong = resource_fault(template[kind], self.library.resources)
            self.faults += [f"{path}.resource: {wrong}"] if wrong else []
            self._check_later(path, rest, known, on_exit)
            return
        if kind == "suspend":
            self._check_later(path, rest, known, on_exit)
            return
        for key_ in ("activeDeadlineSeconds", "timeout"):
            if template.get(key_) is not None:
                self.faults.append(f"{path}.{key_}: is for container, script, resource and suspend templates only")
        check = self._steps if kind == "steps" else self._dag
        outputs = check(template, context, path, known, on_exit)
        self._check_later(path, rest, known | outputs, on_exit)

    def _check_tags_end(self, value: Any, path: str) -> None:
        """Check that each tag ends somewhere in the JSON text in which Argo substitutes it."""
        try:
            list(simple_tags(value))
        except SlipwayError as error:
            self.faults.append(f"{path}: {error.message}")

    def _container(self, main: dict[str, Any], path: str) -> None:
        image = str(main.get("image") or "")
        if "{{" in image:
            return
        images = self.library.images
        for source in main.get("envFrom") or []:
            if source.get("secretRef") and not source["secretRef"].get("optional"):
                self.faults.append(f"{path}.envFrom.secretRef: there are no Secrets on this machine")
        if not images.is_known(image):
            self.faults.append(
                f"{path}.image: {image or 'none'} stands for no program of this machine; {images.advice}"
            )
        elif not main.get("command") and not images.command(image):
            self.faults.append(f"{path}.command: name a command; that of {image} is not known here")

    def file_volumes(self, owner: dict[str, Any], path: str) -> None:
        """Refuse the Secrets and ConfigMaps among the volumes of a template or a workflow that it cannot do without."""
        for volume in owner.get("volumes") or []:
            for kind in ("secret", "configMap"):
                if kind in volume and not (volume[kind] or {}).get("optional"):
                    what = f"{kind[0].upper()}{kind[1:]}s"
                    place = f"{path}.volumes.{volume.get('name')}"
                    self.faults.append(f"{place}: there are no {what} as volumes on this machine; make it optional")

    def _unique(self, callers: list[tuple[str, TemplateCaller]]) -> None:
        seen = set()
        for path, caller in callers:
            if caller["name"] in seen:
                self.faults.append(f"{path}.name '{caller['name']}' is used twice")
            seen.add(caller["name"])

    def _steps(self, template: Template, context: Context, path: str, known: set[str], on_exit: bool) -> set[str]:
        """Check the steps of a template; returns the names of all that they offer to read after them."""
        groups = [[(f"{path}.steps[{index}]", step) for step in group] for index, group in enumerate(template["steps"])]
        for index, group in enumerate(template["steps"]):
            self._check_tags_end(in_argo_order(group, [fields.STEP]), f"{path}.steps[{index}]")
        self._unique([pair for group in groups for pair in group])
        earlier: set[str] = set()
        for group in groups:
            of_group: set[str] = set()
            for where, step in group:
                found = self._inside(step, context, f"{where}.{step['name']}", on_exit)
                own = output_names(f"steps.{step['name']}", found)
                self._caller_tags(f"{path}.steps", step, known | earlier, own, on_exit)
                of_group |= own
            earlier |= of_group
        return earlier

    def _dag(self, template: Template, context: Context, path: str, known: set[str], on_exit: bool) -> set[str]:
        """Check the tasks of a template; returns the names of all that they offer to read after them."""
        tasks = [(f"{path}.tasks.{task['name']}", task) for task in template["dag"].get("tasks") or []]
        self._unique(tasks)
        for where, task in tasks:
            self._check_tags_end(in_argo_order(task, fields.TASK), where)
        for where, task in tasks:
            if task.get("depends") and task.get("dependencies"):
                self.faults.append(f"{where}: depends and dependencies cannot both be given")
        try:
            conditions = conditions_of(template)
            order = order_of(template, conditions)
        except SlipwayError as error:
            self.faults.append(f"{path}.{error}")
            return set()
        by_task = {task["name"]: (where, task) for where, task in tasks}
        own: dict[str, set[str]] = {}
        of_ancestors: dict[str, set[str]] = {}
        for name in order:
            where, task = by_task[name]
            found = self._inside(task, context, where, on_exit)
            own[name] = output_names(f"tasks.{name}", found)
            of_ancestors[name] = set().union(*(own[other] | of_ancestors[other] for other in conditions[name].names))
            self._caller_tags(where, task, known | of_ancestors[name], own[name], on_exit)
        return set().union(*own.values())

    def _inside(self, caller: TemplateCaller, context: Context, path: str, on_exit: bool) -> Template | None:
        """Check a step or task and its hooks; returns the template it names, as `caller`."""
        found = self.caller(caller, context, path, on_exit)
        for name, hook in (caller.get("hooks") or {}).items():
            self.caller(hook, context, f"{path}.hooks.{name}", True)
        if caller.get("onExit"):
            self.caller({"template": caller["onExit"]}, context, f"{path}.onExit", True)
        return found

    def _caller_tags(self, path: str, caller: TemplateCaller, known: set[str], own: set[str], on_exit: bool) -> None:
        loop = any(key in caller for key in LOOPS)
        ordered = in_argo_order(caller, fields.TASK)
        plain = {key: value for key, value in ordered.items() if key not in ("hooks", "inline")}
        self._check_later(path, plain, known, on_exit, loop)
        self._check_later(path, caller.get("hooks") or {}, known | own, True, loop)

    def _check_later(self, path: str, value: Any, known: set[str], on_exit: bool, loop: bool = False) -> None:
        """Note a value whose tags `check_tags` will check. `known`: the names that they can use besides global ones."""
        self._tagged.append((path, (value, loop), known, on_exit))

    def check_tags(self) -> None:
        """Check the names in all tags. Called at the end, when the names of all global outputs are known."""
        for path, (value, loop), known, on_exit in self._tagged:
            names = known | self.global_names | (set(KNOWN_ON_EXIT) if on_exit else set())
            # a tag without an end in this part of the template ends elsewhere in it, or `_check_tags_end` reported it
            with contextlib.suppress(SlipwayError):
                for name in unresolvable(value, names, loop):
                    self.faults.append(f"{path} failed to resolve {{{{{name}}}}}")
