"""The wing that tests inference handlers: a packaged model's code/inference.py, before anything is built."""

from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult, InferenceTestSample
from slipway_steps.handlers.pipeline import test_inference_pipeline
from slipway_steps.handlers.session import HandlerSession, open_handler
from slipway_steps.handlers.skew import Holdout

__all__ = [
    "HandlerSession",
    "Holdout",
    "InferenceHandlerSpec",
    "InferenceTestResult",
    "InferenceTestSample",
    "open_handler",
    "test_inference_pipeline",
]
