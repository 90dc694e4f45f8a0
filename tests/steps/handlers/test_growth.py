"""What a handler keeps with each request, and what Python itself keeps for a while."""

from pathlib import Path

import pytest

from slipway_steps.adapters.handlers.answer import Request
from slipway_steps.handlers import InferenceHandlerSpec, open_handler
from slipway_steps.handlers.growth import GROWTH_REQUESTS, GROWTH_WINDOWS, growth_fault

HANDLER = """
KEPT = []
def model_fn(model_dir): return 1
def input_fn(data, content_type): return data
def predict_fn(data, model):
    {line}
    return 1
def output_fn(prediction, accept): return "1"
"""
LINES = {
    "nothing": ("pass", False),
    # Python's cache of attribute lookups keeps each of these names until another one takes its place
    "names made at run time": ("[getattr(KEPT, f'{word}_{data}', None) for word in 'abcdefghijklmnop' * 4]", False),
    "a list that grows": ("KEPT.append(data * 9)", True),
}


@pytest.mark.parametrize("name", LINES)
def test_only_what_the_handler_keeps_counts(tmp_path: Path, name: str) -> None:
    line, grows = LINES[name]
    (tmp_path / "package" / "code").mkdir(parents=True)
    (tmp_path / "package" / "code" / "inference.py").write_text(HANDLER.format(line=line))
    (tmp_path / "package" / "payloads").mkdir()
    (tmp_path / "package" / "payloads" / "one.json").write_text("[1, 2, 3, 4, 5]")
    spec = InferenceHandlerSpec.create_default("h", "s", tmp_path / "package")
    with open_handler(spec, tmp_path / "store") as session:
        assert session.load().loaded
        request = Request("growth", "application/json", "application/json", None, b"[1, 2, 3, 4, 5]")
        growth = session.worker.grow(request, GROWTH_WINDOWS, GROWTH_REQUESTS, 5.0)
        assert growth.requests
        fault = growth_fault(growth, session.inspection.source)
        assert (fault is not None) is grows, growth
