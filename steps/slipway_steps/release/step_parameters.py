"""The base of every step's `Params`."""

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

VERSION = r"^[0-9]+$"
"""The pattern of a model version: MLflow counts them from 1."""
OPTIONAL_VERSION = r"^[0-9]*$"
"""The pattern where an empty text means the version that an environment serves."""
REVISION = r"^[0-9A-Za-z._/+-]*$"
"""The pattern of a source revision: a commit's hash, or the name of a branch or tag; or empty."""

PATH: JsonDict = {"format": "path"}
"""The `json_schema_extra` of a parameter that is a path, except where it has its default value."""


class StepParameters(BaseModel):
    """The parameters of a step. A number has to be finite: every measured value is under a threshold of `inf`, and no
    comparison with `nan` is ever true.
    """

    model_config = ConfigDict(allow_inf_nan=False)
