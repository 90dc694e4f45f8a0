"""Rules on what a workflow does to its cluster: children, locks, images, injection, limits, removed fields."""

import re
from collections.abc import Iterator
from itertools import pairwise

import yaml

from slipway_workflows.findings.image_reference import floating
from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import dicts, mapping, strings
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import POD_TYPES, TAG, Found, Subject, Template, mutexes

RUNS = re.compile(r"^(Workflow|CronWorkflow|Job|Pod|RayJob|RayCluster|SparkApplication|.*Job)$")
"""Kinds whose objects run for some time after they were created."""
UNTRUSTED = re.compile(
    r"^(?:inputs\.(?:parameters|artifacts)\.|workflow\.parameters|steps\.|tasks\.|item\b|workflow\.labels)"
)
"""Tags whose values come from people or from other steps."""
SHELLS = {"sh", "bash", "ash", "dash", "zsh"}
LOCAL = re.compile(r"(?<![\w.-])(localhost|127\.0\.0\.1|\[::1\])(?![\w-])")


def fire_and_forget(subject: Subject) -> Found:
    """Find resources that run for some time and are created without waiting for their end."""
    for template in subject.templates:
        resource = mapping(template.body.get("resource"))
        if resource.get("action") not in ("create", "apply"):
            continue
        try:
            manifest = yaml.safe_load(TAG.sub("x", str(resource.get("manifest") or "")))
        except yaml.YAMLError:
            continue
        kind = str(mapping(manifest).get("kind") or "")
        lacking = [key for key in ("successCondition", "failureCondition") if not resource.get(key)]
        if RUNS.match(kind) and lacking:
            yield (*template.path, "resource"), f"{kind} is created without {' and '.join(lacking)}"


def nested_mutex(subject: Subject) -> Found:
    """Find templates that take a mutex which the workflow or a template around them already holds."""
    entry = subject.by_name.get(str(subject.spec.get("entrypoint")))
    held = mutexes(subject.spec.get("synchronization"))
    seen: set[tuple[str, str, frozenset[str]]] = set()
    starts = [(subject, entry, held)] if entry else []
    starts += [(subject, template, set()) for template in subject.templates]
    for owner, template, around in starts:
        yield from _mutexes_below(subject, owner, template, around, seen)


def _mutexes_below(
    first: Subject,
    owner: Subject,
    template: Template,
    held: set[str],
    seen: set[tuple[str, str, frozenset[str]]],
) -> Found:
    """Follow the steps of `template`, which is in `owner`; `held` are the mutexes around it, `seen` stops a cycle.

    Only findings in the document `first` are yielded.
    """
    key = (owner.document.name, template.name, frozenset(held))
    if key in seen:
        return
    seen.add(key)
    own = mutexes(template.body.get("synchronization"))
    again = sorted(own & held)
    if again and owner is first:
        yield template.path, f"mutex {again[0]} is already held around template {template.name}: it waits for itself"
    for step in template.steps:
        target = owner.target(step.body)
        if target is None:
            continue
        inner = mutexes(target[1].body.get("synchronization"))
        if owner is first and target[0] is not first and inner & (held | own):
            name = sorted(inner & (held | own))[0]
            yield step.path, f"mutex {name}, which {target[1].name} takes, is already held here: it waits for itself"
        yield from _mutexes_below(first, target[0], target[1], held | own, seen)


def floating_image(subject: Subject) -> Found:
    """Find images whose content may change from one run to the next."""
    for template in subject.templates:
        containers = [(*template.main(),)]
        for key in ("initContainers", "sidecars"):
            containers += [(item, (*template.path, key, at)) for at, item in enumerate(dicts(template.body.get(key)))]
        for container, path in containers:
            image = str(container.get("image") or "")
            if image and "{{" not in image and (why := floating(image)):
                yield (*path, "image"), f"{image} {why}"


def _code(template: Template) -> Iterator[tuple[FieldPath, str]]:
    """The source of a script, and the code that a shell or an interpreter gets by `-c` or `-e`."""
    main, path = template.main()
    if isinstance(main.get("source"), str):
        yield (*path, "source"), main["source"]
    words = [
        ((*path, key, at), str(word))
        for key in ("command", "args")
        for at, word in enumerate(main[key] if isinstance(main.get(key), list) else [])
    ]
    program = words[0][1].rpartition("/")[2] if words else ""
    for (_, flag), (at, code) in pairwise(words):
        shell = program in SHELLS and re.match(r"^-[a-z]*c$", flag)
        if shell or (program.startswith(("python", "perl", "ruby", "node")) and flag in ("-c", "-e")):
            yield at, code


def injection(subject: Subject) -> Found:
    """Find parameters whose values become part of a shell command or of code."""
    for template in subject.templates:
        for path, code in _code(template):
            for match in TAG.finditer(code):
                tag = match.group(1).strip()
                if UNTRUSTED.match(tag) and not tag.endswith(".path"):
                    yield path, f"{match.group()} is spliced into code: its value can run anything"


def localhost(subject: Subject) -> Found:
    """Find addresses that mean the pod of the step itself."""
    base = subject.document.spec_path
    for path, text in strings(subject.spec, base):
        found = LOCAL.search(text)
        if found and path[-1] != "description" and not _has_servers(subject, path):
            yield path, f"{found.group()} is the pod of the step itself, not the service that is meant"


def _has_servers(subject: Subject, path: FieldPath) -> bool:
    """Whether the template has sidecars; then localhost may be meant, because its own pod may serve something."""
    return any(
        path[: len(template.path)] == template.path and template.body.get("sidecars") for template in subject.templates
    )


def removed(subject: Subject) -> Found:
    """Find fields that Argo Workflows 4 does not have any more."""
    document = subject.document
    if document.kind == "CronWorkflow" and "schedule" in mapping(document.manifest.get("spec")):
        yield ("spec", "schedule"), "spec.schedule was removed in Argo Workflows 4: it is spec.schedules, a list"
    sections = [(subject.spec, document.spec_path), *((one.body, one.path) for one in subject.templates)]
    for section, path in sections:
        for key in ("mutex", "semaphore"):
            if key in mapping(section.get("synchronization")):
                new = "mutexes" if key == "mutex" else "semaphores"
                yield (*path, "synchronization", key), f"synchronization.{key} was removed: it is {new}, a list"
    if "podPriority" in subject.spec:
        yield (*document.spec_path, "podPriority"), "spec.podPriority was removed: it is podPriorityClassName"
    for template in subject.templates:
        if "resubmitPendingPods" in template.body:
            yield (*template.path, "resubmitPendingPods"), "resubmitPendingPods was removed: it is a retryStrategy"


def _pods(subject: Subject) -> list[Template]:
    return [template for template in subject.templates if template.kind in POD_TYPES]


def no_account(subject: Subject) -> Found:
    """Find templates whose pods run as the default service account of the namespace."""
    defaults = mapping(subject.spec.get("templateDefaults"))
    if subject.spec.get("serviceAccountName") or defaults.get("serviceAccountName"):
        return
    for template in _pods(subject):
        if not template.body.get("serviceAccountName"):
            yield template.path, f"template {template.name} runs as the default service account"


def no_deadline(subject: Subject) -> Found:
    """Find templates whose pods may run for ever."""
    defaults = mapping(subject.spec.get("templateDefaults"))
    if subject.spec.get("activeDeadlineSeconds") or defaults.get("activeDeadlineSeconds") or defaults.get("timeout"):
        return
    for template in _pods(subject):
        if not template.body.get("activeDeadlineSeconds") and not template.body.get("timeout"):
            yield template.path, f"template {template.name} has no activeDeadlineSeconds"


def no_ttl(subject: Subject) -> Found:
    """Find workflows that are never deleted."""
    if subject.spec and not subject.spec.get("ttlStrategy") and not subject.spec.get("workflowTemplateRef"):
        yield subject.document.spec_path, "the workflow has no ttlStrategy"


RULES = (
    Rule(
        "SL001",
        "fire-and-forget",
        "Argo does not wait for a resource without conditions: the parent succeeds while the child fails.",
        "Give both successCondition and failureCondition, or nest a templateRef instead.",
        fire_and_forget,
    ),
    Rule(
        "SL012",
        "nested-mutex",
        "A mutex is not re-entrant: a template that takes a mutex which is held around it waits for ever.",
        "Put mutexes on templates that run pods, with another name than that of the workflow.",
        nested_mutex,
    ),
    Rule(
        "SL013",
        "floating-image",
        "An image without a fixed tag or digest may be another one tomorrow.",
        "Name a full version tag, better a digest.",
        floating_image,
    ),
    Rule(
        "SL014",
        "parameter-in-code",
        "A value that is spliced into a shell line or code can run anything.",
        "Pass it as an environment variable or as a separate argument.",
        injection,
    ),
    Rule(
        "SL016",
        "localhost",
        "In a pod, localhost is that pod.",
        "Use the service's DNS name, or a parameter.",
        localhost,
    ),
    Rule(
        "SL017",
        "removed-field",
        "Argo Workflows 4 has dropped fields of version 3; a server may ignore unknown fields without a warning.",
        "Use the new field.",
        removed,
    ),
    Rule(
        "SL018",
        "no-service-account",
        "The default service account has any rights that somebody gave it, and every step has the same.",
        "Set serviceAccountName on the template, with only the verbs it needs.",
        no_account,
    ),
    Rule(
        "SL019",
        "no-deadline",
        "A step that hangs holds its locks for ever.",
        "Set activeDeadlineSeconds on the template.",
        no_deadline,
    ),
    Rule(
        "SL021",
        "no-ttl",
        "Finished workflows stay in the API server until it is full.",
        "Set ttlStrategy.",
        no_ttl,
    ),
)
