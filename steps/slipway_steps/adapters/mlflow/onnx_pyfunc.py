"""The MLflow flavour of a packaged model, as a source file that MLflow copies beside the model: nothing is pickled.

Input: float32 [N, channels, height, width], scaled as the contract says. Output: probabilities [N, labels].
"""

from typing import Any

import numpy
import onnxruntime
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class PackagedModel(PythonModel):  # type: ignore[misc]
    """Runs model.onnx of a packaged model with ONNX Runtime."""

    def load_context(self, context: Any) -> None:
        """Open model.onnx of the artifact `package`."""
        from pathlib import Path

        self.session = onnxruntime.InferenceSession(
            str(Path(context.artifacts["package"]) / "model.onnx"), providers=["CPUExecutionProvider"]
        )

    def predict(self, context: Any, model_input: numpy.ndarray, params: Any = None) -> numpy.ndarray:
        """The probabilities of the labels for each image: float [N, labels]."""
        name = self.session.get_inputs()[0].name
        logits = self.session.run(None, {name: numpy.asarray(model_input, dtype=numpy.float32)})[0]
        powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        return numpy.asarray(powers / powers.sum(axis=1, keepdims=True))


set_model(PackagedModel())
