"""Which objects of a list its selectors select; a selector that the tests' servers do not know is refused."""

from typing import Any

Query = dict[str, list[str]]


class UnknownSelector(Exception):
    """A form that is not played here: nothing would be selected by it, or everything."""


def _pairs(query: Query, name: str) -> list[tuple[str, str | None]]:
    """Keys and their values; None: whichever value, as a label alone selects the objects that have it."""
    found: list[tuple[str, str | None]] = []
    for term in ",".join(query.get(name, [])).split(","):
        if term:
            key, sign, value = term.partition("=")
            if key.endswith("!") or key.startswith("!") or " " in term or (not sign and name != "labelSelector"):
                raise UnknownSelector(f"{name} {term!r}")
            found.append((key, value.removeprefix("=") if sign else None))
    return found


def selected(items: list[dict[str, Any]], query: Query) -> list[dict[str, Any]]:
    """The objects whose labels and fields are as `labelSelector` and `fieldSelector` say. Raises UnknownSelector."""
    labels, fields = _pairs(query, "labelSelector"), _pairs(query, "fieldSelector")

    def at(value: Any, path: str) -> Any:
        for part in path.split("."):
            value = value.get(part) or {}
        return value

    def fits(given: dict[str, str], label: str, value: str | None) -> bool:
        return label in given if value is None else given.get(label) == value

    return [
        item
        for item in items
        if all(fits(item["metadata"].get("labels") or {}, label, value) for label, value in labels)
        and all(at(item, path) == value for path, value in fields)
    ]
