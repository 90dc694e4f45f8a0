"""Filters on the generated manifests: which pushes start a release, and parameters of what starts by itself."""

import copy
from collections.abc import Callable
from typing import Any


def _arguments(one: dict[str, Any]) -> list[dict[str, Any]]:
    """The places for arguments in an object that starts releases: the spec of each workflow that it makes."""
    if (one["kind"], one["metadata"]["name"]) == ("CronWorkflow", "cron-train"):
        return [one["spec"]["workflowSpec"]]
    if one["kind"] != "Sensor":
        return []
    return [trigger["template"]["k8s"]["source"]["resource"]["spec"] for trigger in one["spec"]["triggers"]]


def slipway_release_parameters(objects: list[Any], parameters: dict[str, Any]) -> list[Any]:
    """The objects, with these parameters for each release of every night and for each release of a push.

    They come after the parameters that are there: the Sensor fills in its own by their place.
    """
    changed = copy.deepcopy(objects) if parameters else objects
    for spec in (spec for one in changed for spec in _arguments(one) if parameters):
        given = spec.setdefault("arguments", {}).setdefault("parameters", [])
        given += [{"name": name, "value": str(value)} for name, value in sorted(parameters.items())]
    return changed


def slipway_github(objects: list[Any], github: dict[str, str]) -> list[Any]:
    """The objects, with EventSources that listen to pushes to this repository of GitHub.

    github: owner and repository; without them the objects stay as they are.
    """
    if not (github.get("owner") and github.get("repository")):
        return objects
    changed = copy.deepcopy(objects)
    for one in (one for one in changed if one["kind"] == "EventSource"):
        for source in (one["spec"].get("github") or {}).values():
            source["repositories"] = [{"owner": github["owner"], "names": [github["repository"]]}]
    return changed


class FilterModule:
    """The class by which Ansible finds the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by the names that playbooks use."""
        return {"slipway_github": slipway_github, "slipway_release_parameters": slipway_release_parameters}
