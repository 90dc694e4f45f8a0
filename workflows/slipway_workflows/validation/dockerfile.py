"""Dockerfiles: their instructions, and what is wrong with them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway_workflows.findings.image_reference import floating
from slipway_workflows.validation.objects import Fault
from slipway_workflows.validation.places import FilePlace, waivers_in
from slipway_workflows.validation.secret_values import secret

INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
HEREDOC = re.compile(r"<<-?([\"']?)([A-Za-z_]\w*)\1")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:[-+])((?:[^{}]|\{[^{}]*\})*))?\}|(\w+))")
PAIR = re.compile(r"([\w.-]+)=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|(?:[^\s\\]|\\.)*)")


@dataclass(frozen=True)
class Instruction:
    """One instruction. line: where it begins. rest: all after its name, on one line."""

    name: str
    rest: str
    line: int


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, with continued lines joined and the bodies of here-documents left out."""
    found: list[Instruction] = []
    parts: list[str] = []
    begun, ends = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if ends:
            if line.strip() == ends[0]:
                ends.pop(0)
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        parts.append(line.strip().removesuffix("\\"))
        if line.rstrip().endswith("\\"):
            continue
        name, _, rest = " ".join(parts).strip().partition(" ")
        found.append(Instruction(name.upper(), rest.strip(), begun))
        if name.upper() in ("RUN", "COPY", "ADD"):
            ends = [word for _, word in HEREDOC.findall(rest)]
        parts, begun = [], 0
    if parts:
        name, _, rest = " ".join(parts).strip().partition(" ")
        found.append(Instruction(name.upper(), rest.strip(), begun))
    return found


def expanded(text: str, values: dict[str, str]) -> str:
    """A text with `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` replaced."""

    def value(found: re.Match[str]) -> str:
        braced, form, other, plain = found.groups()
        known = values.get(braced or plain, "")
        if form == ":-":
            return known or expanded(other, values)
        if form == ":+":
            return expanded(other, values) if known else ""
        return known

    return VARIABLE.sub(value, text)


def faults_of(file: str, text: str) -> Iterator[Fault]:
    """SD001, SD108, SD117, SD118, SD119 of a Dockerfile. Raises BadInput for a waiver without a reason."""
    found = instructions(text)
    place = FilePlace(file, {(one.line,): one.line for one in found}, waivers_in(text, file))
    for one in found:
        if one.name not in INSTRUCTIONS:
            yield Fault("SD001", place, (one.line,), f"{one.name} is no instruction of a Dockerfile")
        elif one.name in ("ENV", "ARG"):
            first, _, rest = one.rest.partition(" ")
            pairs = PAIR.findall(one.rest) if "=" in first else [(first, rest)]
            for name, value in pairs:
                if secret(name, value.strip("\"'")):
                    yield Fault(
                        "SD108", place, (one.line,), f"{one.name} {name} holds a secret, which stays in the image"
                    )
    if not any(one.name == "FROM" for one in found):
        yield Fault("SD001", place, (1,), "it has no FROM")
        return
    yield from _bases(found, place)
    last = found[max(at for at, one in enumerate(found) if one.name == "FROM") :]
    users = [one for one in last if one.name == "USER"]
    if not users or users[-1].rest.partition(":")[0].strip() in ("root", "0"):
        at = (users or last)[-1 if users else 0].line
        yield Fault(
            "SD117", place, (at,), "the image runs as root" if users else "the image names no USER, and runs as root"
        )
    checks = [one for one in last if one.name == "HEALTHCHECK"]
    if not checks or checks[-1].rest.upper() == "NONE":
        yield Fault("SD119", place, (last[0].line,), "the image has no HEALTHCHECK")


def _bases(found: list[Instruction], place: FilePlace) -> Iterator[Fault]:
    values: dict[str, str] = {}
    stages: set[str] = set()
    for one in found:
        if one.name == "ARG" and not stages:
            name, _, value = one.rest.partition("=")
            values[name] = value.strip("\"'")
        if one.name != "FROM":
            continue
        words = [word for word in expanded(one.rest, values).split() if not word.startswith("--")]
        image = words[0] if words else ""
        if not image:
            yield Fault("SD001", place, (one.line,), "FROM names no image")
        elif image.lower() not in stages and image != "scratch" and (why := floating(image)):
            yield Fault("SD118", place, (one.line,), f"is built from {image}, which {why}")
        stages.add(words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else f"stage {len(stages)}")
