"""The base of every step's `Params`."""

from pydantic import BaseModel, ConfigDict

VERSION = r"^[0-9]+$"
"""The pattern of a model version: MLflow counts them from 1."""


class StepParameters(BaseModel):
    """The parameters of a step. A number has to be finite: every measured value is under a threshold of `inf`, and no
    comparison with `nan` is ever true.
    """

    model_config = ConfigDict(allow_inf_nan=False)
