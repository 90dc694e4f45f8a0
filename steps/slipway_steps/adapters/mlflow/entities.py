"""What MLflow's server answers, in the names of MLflow's own entities; only what a release reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """An experiment, which holds runs. `lifecycle_stage`: active, or deleted. `artifact_location`: where the artifacts
    of its runs are.
    """

    experiment_id: str
    lifecycle_stage: str
    artifact_location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    @classmethod
    def parse(cls, found: Json) -> "Experiment":
        """From the JSON of the REST API."""
        return cls(
            str(found["experiment_id"]),
            str(found.get("lifecycle_stage", "active")),
            str(found.get("artifact_location", "")),
            {str(one["key"]): str(one["value"]) for one in found.get("tags") or []},
            str(found.get("name", "")),
        )


@dataclass(frozen=True)
class RunInfo:
    """The id of a run, and where its artifacts are."""

    run_id: str
    artifact_uri: str


@dataclass(frozen=True)
class RunData:
    """The tags of a run by name."""

    tags: dict[str, str]


@dataclass(frozen=True)
class Run:
    """A run: one for each release."""

    info: RunInfo
    data: RunData

    @classmethod
    def parse(cls, found: Json) -> "Run":
        """A run from the server's JSON."""
        info = found["info"]
        return cls(RunInfo(info["run_id"], info.get("artifact_uri", "")), RunData(tags_of(found.get("data") or {})))


@dataclass(frozen=True)
class LoggedModel:
    """A logged model: where its artifacts are."""

    artifact_location: str


@dataclass(frozen=True)
class ModelVersion:
    """A version of the registered model."""

    version: str
    run_id: str
    tags: dict[str, str]

    @classmethod
    def parse(cls, found: Json) -> "ModelVersion":
        """A version from the server's JSON."""
        return cls(str(found["version"]), found.get("run_id", ""), tags_of(found))


@dataclass(frozen=True)
class RegisteredModel:
    """The registered model: its aliases (name -> version) and its tags."""

    aliases: dict[str, str]
    tags: dict[str, str]

    @classmethod
    def parse(cls, found: Json) -> "RegisteredModel":
        """A registered model from the server's JSON."""
        aliases = {one["alias"]: str(one["version"]) for one in found.get("aliases") or []}
        return cls(aliases, tags_of(found))


def tags_of(found: Json) -> dict[str, str]:
    """The tags of an entity by name. MLflow leaves a value out that is empty."""
    return {one["key"]: one.get("value", "") for one in found.get("tags") or []}
