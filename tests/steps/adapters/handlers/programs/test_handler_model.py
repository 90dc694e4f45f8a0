"""What loaded models say of their input, in the words of the libraries that made them."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from slipway_steps.adapters.handlers.programs.handler_model import MOST_OBJECTS, described


class Rude:
    """An object that answers no question."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def booster(**methods: Any) -> Any:
    return SimpleNamespace(**{name: (lambda value=value: value) for name, value in methods.items()})


@pytest.mark.parametrize(
    ("model", "names", "shapes", "weights"),
    [
        (None, [], [], []),
        (2.5, [], [], []),
        (
            SimpleNamespace(feature_names_in_=numpy.array(["a", "b"], dtype=object), n_features_in_=2),
            ["a b"],
            [[-1, 2]],
            [],
        ),
        (booster(num_feature=3, feature_name=["x", "y", "z"]), ["x y z"], [[-1, 3]], []),
        (SimpleNamespace(feature_names=None, num_features=lambda: 4), [], [[-1, 4]], []),
        (SimpleNamespace(input_shape=(None, 28, 28, 1)), [], [[-1, 28, 28, 1]], []),
        (SimpleNamespace(input_shape=[(None, 6)]), [], [[-1, 6]], []),
        (SimpleNamespace(get_inputs=lambda: [SimpleNamespace(shape=["batch", 8])]), [], [[-1, 8]], []),
        ({"features": ["a", "b"], "weights": [0.5, 2.0], "bias": 1.0}, ["a b"], [], [[2]]),
        ({"matrix": numpy.zeros((6, 3))}, [], [], [[6, 3]]),
        (partial(print, {"columns": ("a", "b")}, sep=numpy.zeros(4)), ["a b"], [], [[4]]),
        (SimpleNamespace(steps=[("scale", SimpleNamespace(n_features_in_=5))]), [], [[-1, 5]], []),
        (("model", SimpleNamespace(inner=SimpleNamespace(n_features_in_=7))), [], [[-1, 7]], []),
        (SimpleNamespace(n_features_in_=True, feature_names=["a", 1]), [], [[-1, 1]], []),
        (SimpleNamespace(input_shape=()), [], [], []),
    ],
)
def test_names_shapes_and_weights(
    model: Any, names: list[str], shapes: list[list[int]], weights: list[list[int]]
) -> None:
    told = described(model)
    assert [" ".join(one) for one in told["names"]] == names
    assert (told["shapes"], told["weights"]) == (shapes, weights)


def test_an_object_that_raises_errors_tells_nothing() -> None:
    nothing = {"names": [], "shapes": [], "weights": [], "values": {}}
    assert described(Rude()) == nothing
    assert described([Rude(), {"a": Rude()}]) == nothing


def test_the_first_weights_of_a_network() -> None:
    parameters = [SimpleNamespace(shape=shape) for shape in ((4, 3, 5, 5), (4,), (2, 4), (2,), (1, 1))]
    model = SimpleNamespace(parameters=lambda: iter(parameters))
    assert described(model)["weights"] == [[4, 3, 5, 5], [4], [2, 4], [2]]
    assert described(SimpleNamespace(parameters=lambda: 3))["weights"] == []


def test_the_values_of_an_encoder_deep_in_a_pipeline() -> None:
    encoder = SimpleNamespace(
        feature_names_in_=numpy.array(["region", "kind"], dtype=object),
        categories_=[numpy.array(["north", "south"], dtype=object), numpy.array([1, 2])],
    )
    columns = SimpleNamespace(transformers_=[("encode", encoder, ["region", "kind"])])
    pipeline = SimpleNamespace(steps=[("columns", columns), ("model", None)])
    assert described(pipeline)["values"] == {"region": ["north", "south"], "kind": [1, 2]}


def test_a_model_that_holds_itself_or_very_much_is_left_after_a_while() -> None:
    model = SimpleNamespace(parts=[SimpleNamespace(n_features_in_=number + 1) for number in range(10 * MOST_OBJECTS)])
    model.itself = model
    assert 1 <= len(described(model)["shapes"]) <= 24
