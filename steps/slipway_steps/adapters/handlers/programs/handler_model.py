"""What a loaded model says of its input: names of features, numbers of features, shapes. It runs beside the handler."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

MOST_OBJECTS, MOST_LEVELS = 200, 8
"""Objects that are looked at, and how deep: a pipeline holds its encoders in lists of tuples in lists of tuples."""
MOST_MEMBERS = 64
"""Members of one object that are looked at."""
MOST_NAMES, MOST_SHAPES = 2000, 24
NAMES = ("feature_names_in_", "feature_names", "feature_name_", "feature_name", "feature_names_")
"""Attributes, or methods without arguments, with the names of features: scikit-learn, XGBoost, LightGBM, CatBoost."""
NUMBERS = ("n_features_in_", "num_features", "num_feature", "n_features_", "n_features")
"""Attributes, or methods without arguments, with the number of features."""
KEYS = ("features", "feature_names", "columns", "input_columns", "names")
"""Keys of a dictionary with the names of features."""


def described(model: Any) -> dict[str, Any]:
    """The lists of names, the numbers of features and the input shapes that were found, the most telling first.

    A shape is a list of sizes, -1 for one that is free. `values` are the values that a feature may have, by its name.
    An object that raises errors when it is asked tells nothing.
    """
    names: list[list[str]] = []
    shapes: list[list[int]] = []
    weights: list[list[int]] = []
    values: dict[str, list[Any]] = {}
    for one in _parts(model):
        values.update(_values(one))
        for found in _names(one):
            if found not in names and len(found) <= MOST_NAMES:
                names.append(found)
        shapes += [shape for shape in _shapes(one) if shape not in shapes]
        weights += [shape for shape in _weights(one) if shape not in weights]
    return {
        "names": names[:MOST_SHAPES],
        "shapes": shapes[:MOST_SHAPES],
        "weights": weights[:MOST_SHAPES],
        "values": values,
    }


def _parts(model: Any) -> Iterator[Any]:
    """The model and what it holds, level by level."""
    seen: list[Any] = []
    level = [model]
    for _ in range(MOST_LEVELS):
        below: list[Any] = []
        for one in level:
            if len(seen) >= MOST_OBJECTS or any(one is other for other in seen):
                continue
            seen.append(one)
            yield one
            below += _members(one)
        level = below


def _members(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return list(one.values())[:MOST_MEMBERS]
    if isinstance(one, (list, tuple)):
        return [] if all(isinstance(part, (int, float, str)) for part in one) else list(one[:MOST_MEMBERS])
    if type(one).__name__ == "partial":
        return [*one.args, *one.keywords.values()]
    return [] if isinstance(one, type) else list((_attribute(one, "__dict__") or {}).values())[:MOST_MEMBERS]


def _attribute(one: Any, name: str) -> Any:
    """The attribute; None where there is none. Whatever a foreign object raises, it tells nothing."""
    try:
        return getattr(one, name, None)
    except Exception:
        return None


def _asked(one: Any, name: str) -> Any:
    """The attribute, or what the method answers; None where there is none."""
    value = _attribute(one, name)
    try:
        return value() if callable(value) else value
    except Exception:
        return None


def _names(one: Any) -> Iterator[list[str]]:
    found = [one.get(key) for key in KEYS] if isinstance(one, dict) else [_asked(one, name) for name in NAMES]
    for value in found:
        names = _asked(value, "tolist") or value
        if isinstance(names, (list, tuple)) and names and all(isinstance(name, str) for name in names):
            yield list(names)


def _values(one: Any) -> Iterator[tuple[str, list[Any]]]:
    """Of an encoder of scikit-learn, the first values that each of its columns may have."""
    columns, categories = _attribute(one, "feature_names_in_"), _attribute(one, "categories_")
    if columns is None or not isinstance(categories, list) or len(columns) != len(categories):
        return
    for column, values in zip(columns, categories):  # noqa: B905 - Python 3.9
        known = [value for value in values.tolist() if isinstance(value, (str, int, float))]
        if known:
            yield str(column), known[:8]


def _shapes(one: Any) -> Iterator[list[int]]:
    """The shapes of inputs that the object itself tells."""
    if isinstance(one, (dict, list, tuple, str, bytes)):
        return
    for name in NUMBERS:
        number = _asked(one, name)
        if isinstance(number, int) and number > 0:
            yield [-1, number]
    inputs = _asked(one, "get_inputs")
    for given in inputs if isinstance(inputs, list) else ():
        if shape := _sizes(_attribute(given, "shape")):
            yield shape
    if shape := _sizes(_asked(one, "input_shape")):
        yield shape


def _weights(one: Any) -> Iterator[list[int]]:
    """The shapes of weights, from which the shape of an input may be guessed."""
    if callable(_attribute(one, "parameters")):
        try:
            yield from (list(weight.shape) for weight in islice(one.parameters(), 4))
        except Exception:
            return
    elif isinstance(one, (list, tuple)) and one and all(isinstance(part, (int, float)) for part in one):
        yield [len(one)]
    elif isinstance(_attribute(one, "shape"), tuple) and _attribute(_attribute(one, "dtype"), "kind") in (
        "f",
        "i",
        "u",
    ):
        yield [int(size) for size in one.shape]


def _sizes(shape: Any) -> list[int]:
    """The shape with -1 for what is free; [] for what is none."""
    if isinstance(shape, list) and len(shape) == 1 and isinstance(shape[0], (list, tuple)):
        shape = shape[0]
    if not isinstance(shape, (list, tuple)) or not shape:
        return []
    return [size if isinstance(size, int) and size > 0 else -1 for size in shape]
