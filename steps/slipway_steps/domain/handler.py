"""The test of an inference handler: what is tested (spec, samples), and what was found out (calls, faults, result).

An inference handler is the file `code/inference.py` of a packaged model (`model.tar.gz`) with the functions `model_fn`,
`input_fn`, `predict_fn` and `output_fn`, or `transform_fn` for the last three, as Amazon SageMaker's inference toolkit
calls them.
"""

import re
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator

from slipway_steps.domain.handler_faults import KINDS, FaultKind
from slipway_steps.domain.verdict import Verdict

JSON, CSV, PARQUET = "application/json", "text/csv", "application/x-parquet"
NPY, NPZ = "application/x-npy", "application/x-npz"
FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn")
"""The functions of a handler in the order in which one request passes them. `transform_fn` replaces the last three."""

BUDGETS = {
    "model_fn": (0.1, 5.0),
    "input_fn": (0.01, 0.1),
    "predict_fn": (0.05, 2.0),
    "output_fn": (0.005, 0.05),
    "end to end": (0.2, 10.0),
}
"""Seconds that each function usually takes, least and most; printed beside what was measured. They reject nothing."""
MEMORY_BUDGET = (50 * 1000**2, 2 * 1000**3)
"""Bytes that a handler with its model usually needs, least and most."""


class InferenceTestSample(BaseModel):
    """One request for a handler.

    `path` is the file with the body, which is sent as it is. A sample with `should_succeed` false is negative: the
    handler has to refuse it, with an answer in which the regular expression `error_pattern` is found, and with `status`
    where one is given. `accept`: the only accept type to ask for; empty: all that the handler supports. `expect`: the
    answer, which is compared as JSON where both are JSON, with 1e-4 for numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample_name: str
    content_type: str
    path: Path
    should_succeed: bool = True
    error_pattern: str | None = None
    status: int | None = Field(None, ge=100, le=599)
    accept: str = ""
    expect: Any = None

    @field_validator("error_pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"{value!r} is not a regular expression: {error}") from error
        return value

    @property
    def data(self) -> bytes:
        """The body of the request. Raises OSError where the file is gone."""
        return self.path.read_bytes()


class InferenceHandlerSpec(BaseModel):
    """What to test: a packaged model, its samples, and the limits of the process that runs the package's code.

    `packaged_model_path`: a `model.tar.gz`, or a directory with the same content. `payload_samples_path`: a directory
    with samples; None: `payloads/` of the package. `python`: the Python that runs the handler and that has
    sagemaker-inference and multi-model-server; empty: this one. `workers`: processes that answer requests side by side.
    `model_paths`, `code_paths` and `data_paths` are filled from the package: names to paths inside of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    handler_name: str = Field(min_length=1)
    step_name: str
    packaged_model_path: Path
    payload_samples_path: Path | None = None
    model_paths: dict[str, str] = {}
    code_paths: dict[str, str] = {}
    data_paths: dict[str, str] = {}
    supported_content_types: list[str] = Field([JSON, CSV], min_length=1)
    supported_accept_types: list[str] = Field([JSON, CSV], min_length=1)
    python: str = ""
    workers: int = Field(1, ge=1, le=16)
    memory_bytes: int = Field(2 * 1024**3, gt=0, description="Most bytes that the handler's processes may use.")
    timeout: float = Field(
        600.0, gt=0, allow_inf_nan=False, description="Most seconds for the whole test; SageMaker's limit for a start."
    )
    request_timeout: float = Field(
        60.0, gt=0, allow_inf_nan=False, description="Most seconds for one request; SageMaker's own limit."
    )
    budgets_reject: bool = Field(False, description="Whether a function above its budget rejects the handler.")

    @classmethod
    def create_default(
        cls,
        handler_name: str,
        step_name: str,
        packaged_model_path: str | Path,
        payload_samples_path: str | Path | None = None,
    ) -> Self:
        """A spec with the defaults: JSON and CSV in and out, 2 GiB, 600 s."""
        return cls(
            handler_name=handler_name,
            step_name=step_name,
            packaged_model_path=Path(packaged_model_path),
            payload_samples_path=Path(payload_samples_path) if payload_samples_path is not None else None,
        )


class Place(BaseModel):
    """A line of a file of the package, such as code/inference.py:41, with its text."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Fault(BaseModel):
    """One fault of a handler: its kind, the sentence about this very case, and where it was seen.

    `sample` and `accept` are the request that showed it; `rows` is the smallest part of the sample that still does.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    message: str
    place: Place | None = None
    sample: str = ""
    accept: str = ""
    rows: str = ""

    @property
    def kind(self) -> FaultKind:
        """What every fault of this kind has in common."""
        return KINDS[self.code]

    @property
    def remark(self) -> bool:
        """Whether the fault is only a remark, which rejects nothing."""
        return self.kind.remark

    @property
    def advice(self) -> str:
        """How to mend it."""
        return self.kind.advice


class FunctionCall(BaseModel):
    """One call of one function by the toolkit. `seconds` is wall time, `peak_bytes` the largest resident memory of the
    process meanwhile (0: not measured), `result_type` the type of what it returned.
    """

    model_config = ConfigDict(frozen=True)

    function: str
    sample: str = ""
    accept: str = ""
    success: bool
    seconds: float = 0.0
    peak_bytes: int = 0
    result_type: str = ""
    error: str = ""
    not_reached: bool = False


class Exchange(BaseModel):
    """One request that went through the whole handler, and what the model server would have answered.

    `body` is the start of the answer's body as text; `sha256` is of all of it. `not_sent`: the request was not sent,
    because others had ended the process too often; `status` is 0 then, and `body` says why.
    """

    model_config = ConfigDict(frozen=True)

    sample: str
    content_type: str
    accept: str
    success: bool
    status: int
    answer_type: str = ""
    body: str = ""
    sha256: str = ""
    seconds: float = 0.0
    died: bool = False
    not_sent: bool = False


class InferenceTestResult(BaseModel):
    """What the test of a handler found out. Times are seconds, memory is bytes.

    The results per function come from calling each function alone; `end_to_end_results` and `request_calls` from whole
    requests. `errors` say why there is no verdict, `notes` what people should know beside it.
    """

    handler_name: str
    package_digest: str = ""
    package_bytes: int = 0
    toolkit: str = ""
    samples: int = 0
    overall_success: bool
    verdict: Verdict
    total_execution_time: float
    model_fn_result: FunctionCall | None = None
    input_fn_results: list[FunctionCall] = []
    predict_fn_results: list[FunctionCall] = []
    output_fn_results: list[FunctionCall] = []
    end_to_end_results: list[Exchange] = []
    request_calls: list[FunctionCall] = []
    faults: list[Fault] = []
    errors: list[str] = []
    notes: list[str] = []
    peak_bytes: int = 0
    model_loads: int = 0

    @property
    def rejections(self) -> list[Fault]:
        """The faults that reject the handler."""
        return [fault for fault in self.faults if not fault.remark]
