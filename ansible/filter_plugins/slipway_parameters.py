"""The filter that merges the Helm parameters of an Application with those that are wanted."""

from collections.abc import Callable
from typing import Any

Parameters = list[dict[str, Any]]


def slipway_parameters(existing: Parameters, wanted: Parameters, of_releases: list[str]) -> Parameters:
    """The parameters of an Application: those named in `of_releases` as they are, the others as they are wanted.

    What exists stays where it is, and what is missing comes after it, because another order of the list would be a
    change. What is neither wanted nor set by releases is left out.
    """
    by_name = {one["name"]: one for one in wanted}
    here = [one if one["name"] in of_releases else by_name.get(one["name"]) for one in existing]
    names = {one["name"] for one in existing}
    return [one for one in here if one is not None] + [one for one in wanted if one["name"] not in names]


class FilterModule:
    """The class by which Ansible finds the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by the names that playbooks use."""
        return {"slipway_parameters": slipway_parameters}
