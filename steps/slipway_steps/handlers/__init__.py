"""The wing that tests inference handlers: a packaged model's code/inference.py, before anything is built."""

from slipway_steps.domain.handler import InferenceHandlerSpec, InferenceTestResult, InferenceTestSample
from slipway_steps.domain.pipeline_testing import (
    InferencePipelineTestingSpec,
    PipelineDAG,
    PipelineTestingSpec,
    ScriptExecutionSpec,
)
from slipway_steps.handlers.compatibility import test_script_to_inference_compatibility
from slipway_steps.handlers.functions import test_inference_function
from slipway_steps.handlers.mixed import (
    build_mixed_pipeline_spec,
    create_inference_handler_spec,
    test_pipeline_with_inference,
)
from slipway_steps.handlers.pipeline import test_inference_pipeline
from slipway_steps.handlers.session import HandlerSession, open_handler
from slipway_steps.handlers.skew import Holdout

__all__ = [
    "HandlerSession",
    "Holdout",
    "InferenceHandlerSpec",
    "InferencePipelineTestingSpec",
    "InferenceTestResult",
    "InferenceTestSample",
    "PipelineDAG",
    "PipelineTestingSpec",
    "ScriptExecutionSpec",
    "build_mixed_pipeline_spec",
    "create_inference_handler_spec",
    "open_handler",
    "test_inference_function",
    "test_inference_pipeline",
    "test_pipeline_with_inference",
    "test_script_to_inference_compatibility",
]
