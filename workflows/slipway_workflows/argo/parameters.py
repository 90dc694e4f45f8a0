"""A check of the parameters that a person gives. Argo itself ignores a parameter that no template declares."""

from collections.abc import Collection, Mapping

from slipway_steps.domain.errors import BadInput


def check_names(name: str, known: Collection[str], given: Mapping[str, str]) -> None:
    """Check that every parameter in `given` is one of `known`; raises BadInput for one that is not.

    name: of the template or workflow, for the message.
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadInput(f"{name} has no parameter {', '.join(unknown)}", f"known: {', '.join(known) or 'none'}")
