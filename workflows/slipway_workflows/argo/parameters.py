"""Parameters that a person gives, held against those that a template declares; Argo itself checks little of it."""

from collections.abc import Mapping
from typing import Any

from slipway_steps.domain.errors import BadInput


def check_choices(name: str, arguments: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Raises BadInput for a value outside the `enum` of its parameter, which Argo does not enforce.

    name: of the template. arguments: its `spec.arguments`.
    """
    for parameter in arguments.get("parameters") or []:
        choices, value = parameter.get("enum"), given.get(parameter["name"])
        if choices and value is not None and value not in choices:
            raise BadInput(
                f"{name}: {parameter['name']}={value} is not one of its values", f"known: {', '.join(choices)}"
            )


def check_names(name: str, arguments: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Raises BadInput for a parameter that is not declared, which Argo ignores."""
    known = [parameter["name"] for parameter in arguments.get("parameters") or []]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadInput(f"{name} has no parameter {', '.join(unknown)}", f"known: {', '.join(known) or 'none'}")
