"""The MLflow flavour of a packaged model, as code that MLflow copies beside it: nothing is pickled.

Input: float32 [N, channels, height, width], already scaled; output: probabilities [N, labels].
"""

from typing import Any

import numpy
import onnxruntime
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class PackagedModel(PythonModel):  # type: ignore[misc]
    """Runs model.onnx of the package."""

    def load_context(self, context: Any) -> None:
        """Open the model that lies beside this file."""
        from pathlib import Path

        self.session = onnxruntime.InferenceSession(
            str(Path(context.artifacts["package"]) / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    def predict(self, context: Any, model_input: numpy.ndarray, params: Any = None) -> numpy.ndarray:
        """Probabilities of each label."""
        name = self.session.get_inputs()[0].name
        logits = self.session.run(None, {name: numpy.asarray(model_input, dtype=numpy.float32)})[0]
        powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        return numpy.asarray(powers / powers.sum(axis=1, keepdims=True))


set_model(PackagedModel())
