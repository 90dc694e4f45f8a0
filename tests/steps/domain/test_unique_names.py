"""A name that stands twice in a JSON object is an error, and not the last of them."""

import json

import pytest

from slipway_steps.domain.unique_names import unique_names


def test_an_object_is_read_as_it_stands() -> None:
    assert json.loads('{"a": {"b": 1}, "c": []}', object_pairs_hook=unique_names) == {"a": {"b": 1}, "c": []}


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', '{"c": {"a": 1, "b": 2, "a": 3}}'])
def test_a_name_that_stands_twice_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="'a' stands twice"):
        json.loads(text, object_pairs_hook=unique_names)
