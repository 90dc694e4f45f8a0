"""Rules on workflows that change what an environment serves."""

import re
from dataclasses import dataclass

from slipway_workflows.findings.lines import FieldPath
from slipway_workflows.findings.shapes import mapping
from slipway_workflows.lint.rule import Rule
from slipway_workflows.lint.subject import Found, Subject, Template, mutexes

STEPS = {"deploy", "promote", "revert", "initialize"}
"""Steps of this project that change what an environment serves. The exit handler `finish` only undoes its own."""
COMMAND = re.compile(
    r"\bkubectl\b.*\b(apply|patch|replace|scale|rollout|set image)\b"
    r"|\bhelm\b.*\b(upgrade|rollback)\b"
    r"|\bargocd\b.*\bapp\b.*\b(set|sync|rollback)\b"
)
MANY = 100
"""More deploying steps of one workflow than anybody wants to read about."""
KIND = re.compile(
    r"\bkind:\s*[\"']?(Deployment|StatefulSet|DaemonSet|Rollout|Application|HelmRelease|InferenceService)\b"
)


def deploys(template: Template) -> bool:
    """Whether a template changes what an environment serves, as far as its command or manifest tells."""
    resource = mapping(template.body.get("resource"))
    if resource:
        return resource.get("action") != "get" and bool(KIND.search(str(resource.get("manifest") or "")))
    main, _ = template.main()
    lists = [main[key] for key in ("command", "args") if isinstance(main.get(key), list)]
    words = [str(word) for words in lists for word in words]
    if "slipway_steps.entry" in words[:-1]:
        return words[words.index("slipway_steps.entry") + 1] in STEPS
    lines = [" ".join(words), *str(main.get("source") or "").splitlines()]
    return any(COMMAND.search(line) for line in lines)


@dataclass(frozen=True)
class _Use:
    """A deploying template that the entry point reaches. path: the field of this document that leads to it. around: the
    mutexes of the workflow and of the templates around it. own: its own.
    """

    name: str
    path: FieldPath
    around: frozenset[str]
    own: frozenset[str]


class _Walk:
    """Finds the deploying templates below the entry point of a document."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.known: dict[tuple[int, frozenset[str], FieldPath], list[_Use]] = {}

    def uses(self, owner: Subject, template: Template, path: FieldPath, around: frozenset[str]) -> list[_Use]:
        """The uses below a template of `owner`; `path` leads to it. At most `MANY`, so that no file takes for ever."""
        key = (id(template.body), around, path)
        if key in self.known:
            return self.known[key]
        self.known[key] = []  # a template that calls itself adds nothing more
        own = frozenset(mutexes(template.body.get("synchronization")))
        found = [_Use(template.name, path, around, own)] if deploys(template) else []
        for step in template.steps:
            target = owner.target(step.body)
            if target is not None and len(found) < MANY:
                found += self.uses(*target, step.path if owner is self.subject else path, around | own)
        self.known[key] = found
        return found


def unlocked_release(subject: Subject) -> Found:
    """Find workflows that change environments while others may change them too."""
    entry = subject.by_name.get(str(subject.spec.get("entrypoint")))
    if entry is None:
        return
    held = frozenset(mutexes(subject.spec.get("synchronization")))
    uses = _Walk(subject).uses(subject, entry, entry.path, held)
    bare = [use for use in uses if not use.around | use.own]
    for use in bare:
        yield use.path, f"{use.name} changes an environment, and no mutex is held there"
    if not bare and len(uses) > 1 and not frozenset.intersection(*(use.around for use in uses)):
        names = ", ".join(dict.fromkeys(use.name for use in uses))
        yield subject.document.spec_path, f"no mutex is held from one to the next of {names}"


RULES = (
    Rule(
        "SL022",
        "release-without-mutex",
        "Two releases at once overwrite what the other deployed: a gate then judges, or reverts, another's version.",
        "Give the workflow a mutex in spec.synchronization, which is held from the first deployment to the last.",
        unlocked_release,
    ),
)
