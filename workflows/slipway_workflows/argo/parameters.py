"""Parameters that a person gives, held against those that a template declares; Argo itself checks little of it."""

from collections.abc import Collection, Mapping

from slipway_steps.domain.errors import BadInput


def check_names(name: str, known: Collection[str], given: Mapping[str, str]) -> None:
    """Raises BadInput for a parameter that is not `known`, which Argo ignores. name: of the template."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise BadInput(f"{name} has no parameter {', '.join(unknown)}", f"known: {', '.join(known) or 'none'}")
