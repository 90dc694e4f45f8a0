"""SD108: secrets that are written where everybody reads them. No value is ever part of a message."""

import re
from collections.abc import Iterator
from typing import Any

from slipway_workflows.findings.shapes import dicts, mapping, strings
from slipway_workflows.validation.objects import Fault, Objects

SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:PASS(?:WORD|WD|PHRASE)?|SECRET|TOKEN|(?:API|ACCESS|PRIVATE|ENCRYPTION)[_.-]?KEY|CREDENTIALS?)"
    r"(?:[_.-]?(?:VALUE|KEY))?$",
    re.IGNORECASE,
)
"""Names of secrets; the name of a file or of a Secret, such as `PASSWORD_FILE`, is none."""
GLUED = re.compile(r"(?:PASSWORD|PASSWD)$", re.IGNORECASE)
"""Such as PGPASSWORD."""
REFERENCE = re.compile(r"^(?:\$.*|/.*|\{\{.*\}\}|<.*>)$", re.DOTALL)
"""What stands for a value and is none: a variable, a path, a placeholder."""
FLAGS = ("", "true", "false", "yes", "no", "none", "null", "0", "1")
TELLING = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[\w-]{20}"
    r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|\b[a-z][a-z0-9+]*://[^/\s:@$]+:[^/\s@$][^/\s@]*@"
)
"""Values that are secrets whatever they are called."""
ARGUMENT = re.compile(r"^--?([\w.-]+)=(.+)$", re.DOTALL)


def secret(name: str, value: Any) -> bool:
    """Whether a variable of this name with this value holds a secret."""
    text = str(value if value is not None else "").strip()
    if TELLING.search(text):
        return True
    named = SECRET_NAME.search(name) or GLUED.search(name)
    return bool(named) and text.lower() not in FLAGS and not REFERENCE.match(text)


def of_pods(objects: Objects) -> Iterator[Fault]:
    """Secrets in variables and arguments of containers."""
    for pod in objects.pods:
        for container, path in pod.containers:
            for at, variable in enumerate(dicts(container.get("env"))):
                name = str(variable.get("name"))
                if "value" in variable and secret(name, variable["value"]):
                    yield pod.owner.fault("SD108", (*path, "env", at, "value"), f"has a secret in the variable {name}")
            for key in ("command", "args"):
                for where, word in strings(container.get(key), (*path, key)):
                    given = ARGUMENT.match(word)
                    if secret(*(given.groups() if given else ("", word))):
                        yield pod.owner.fault("SD108", where, "has a secret on its command line")


def of_objects(objects: Objects) -> Iterator[Fault]:
    """Secrets in ConfigMaps, and in Secrets that are part of the sources."""
    for one in objects.of("ConfigMap"):
        for key, value in mapping(one.manifest.get("data")).items():
            if secret(key, value):
                yield one.fault("SD108", ("data", key), f"has a secret in {key}")
    for one in objects.of("Secret"):
        for field in ("data", "stringData"):
            if any(str(value or "") for value in mapping(one.manifest.get(field)).values()):
                yield one.fault("SD108", (field,), "holds its values in the sources")


CHECKS = (of_pods, of_objects)
