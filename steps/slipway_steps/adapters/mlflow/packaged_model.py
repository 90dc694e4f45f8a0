"""Logs a packaged model as an MLflow model, which contains the whole package once."""

from importlib.metadata import version
from pathlib import Path

from slipway_steps.domain.package import Package

FLAVOUR = Path(__file__).with_name("onnx_pyfunc.py")


def requirements() -> list[str]:
    """The installed versions of what the logged model needs, as lines of a requirements file."""
    return [f"{part}=={version(part)}" for part in ("onnxruntime", "numpy")]


def prepare() -> None:
    """Let MLflow read which packages are installed and which commit this is. It does so once in a process, and needs
    more than a second.
    """
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.utils.requirements_utils import warn_dependency_requirement_mismatches

    resolve_tags()
    warn_dependency_requirement_mismatches(requirements())


def log_model(package: Package, run_id: str, name: str) -> str:
    """Log the package in a run as model `name`, with its signature and an input example. Returns the model's URI."""
    import mlflow
    import numpy
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    contract = package.contract
    shape = contract.input.shape
    signature = ModelSignature(
        inputs=Schema([TensorSpec(numpy.dtype("float32"), (-1, *shape))]),
        outputs=Schema([TensorSpec(numpy.dtype("float32"), (-1, len(contract.labels)))]),
    )
    with mlflow.start_run(run_id=run_id):
        logged = mlflow.pyfunc.log_model(
            name=name,
            python_model=str(FLAVOUR),
            artifacts={"package": str(package.directory)},
            signature=signature,
            input_example=_example(package),
            # without this list, MLflow would import the model in another process to find the requirements out
            pip_requirements=requirements(),
        )
    return str(logged.model_uri)


def _example(package: Package):  # type: ignore[no-untyped-def]  # numpy is imported inside
    import numpy

    holdout = numpy.load(package.holdout, allow_pickle=False)
    wanted = package.contract.input
    pixels = holdout["images"][:1].astype(numpy.float32) / 255
    scaled = (pixels - numpy.array(wanted.mean)) / numpy.array(wanted.std)
    return scaled.transpose(0, 3, 1, 2).astype(numpy.float32)
