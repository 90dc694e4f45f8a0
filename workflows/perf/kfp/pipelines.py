"""The pipelines of performance tests for Kubeflow Pipelines: what those of ../argo do, with the same names of steps.

    pip install 'kfp==2.17.*'      # in an environment of its own: it needs older versions of what Slipway needs
    python workflows/perf/kfp/pipelines.py

writes the compiled pipelines (*.yaml) beside this file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl

IMAGE = "slipway/steps:0.1.0"
BRANCHES = range(1, 7)
GENERATE = """\
import hashlib, random, sys
mib, data, checksum = sys.argv[1:]
chance, digest = random.Random(1), hashlib.sha256()
with open(data, "wb") as file:
    for _ in range(int(mib)):
        block = chance.randbytes(2**20)
        digest.update(block)
        file.write(block)
with open(checksum, "w") as file:
    file.write(digest.hexdigest())
"""
TRANSFORM = """\
import sys
data, transformed = sys.argv[1:]
with open(data, "rb") as source, open(transformed, "wb") as target:
    while block := source.read(2**20):
        target.write(bytes(255 - byte for byte in block[:1]) + block[1:])
"""
VERIFY = """\
import hashlib, sys
data, wanted = sys.argv[1:]
digest = hashlib.sha256()
with open(data, "rb") as file:
    while block := file.read(2**20):
        digest.update(bytes(255 - byte for byte in block[:1]) + block[1:])
found = digest.hexdigest()
if found != wanted:
    sys.exit(f"checksum {found}, not {wanted}")
"""
COMPUTE = """\
import hashlib, sys
digest, block = hashlib.sha256(), bytes(2**20)
for _ in range(int(sys.argv[1])):
    digest.update(block)
print(digest.hexdigest())
"""


def program(source: str, *arguments: Any) -> dsl.ContainerSpec:
    """A container that runs a program; parameters reach it as arguments, so that no value of them becomes code."""
    return dsl.ContainerSpec(image=IMAGE, command=["python", "-c", source], args=list(arguments))


def step(component: Callable[..., Any], **inputs: Any) -> Any:
    """A task that asks for as much of a node as a step of ../argo does."""
    return component(**inputs).set_cpu_request("100m").set_memory_request("64Mi")


def named(name: str, component: Callable[..., Any]) -> Any:
    """The component under another name, which is that of its tasks."""
    component.__name__ = name
    return dsl.container_component(component)


def hello() -> dsl.ContainerSpec:  # noqa: D103 - it would become the description
    return program('print("hello")')


@dsl.container_component
def generate(dataset_mib: int, data: dsl.Output[dsl.Dataset], checksum: dsl.OutputPath(str)):  # noqa: D103
    return program(GENERATE, dataset_mib, data.path, checksum)


@dsl.container_component
def transform(data: dsl.Input[dsl.Dataset], transformed: dsl.Output[dsl.Dataset]):  # noqa: D103
    return program(TRANSFORM, data.path, transformed.path)


@dsl.container_component
def verify(data: dsl.Input[dsl.Dataset], checksum: str):  # noqa: D103
    return program(VERIFY, data.path, checksum)


def work(name: str) -> Any:
    """A step that does nothing."""

    def done():
        return program('print("done")')

    return named(name, done)


def computing(name: str) -> Any:
    """A step that only computes."""

    def compute(rounds: int):
        return program(COMPUTE, rounds)

    return named(name, compute)


@dsl.pipeline(name="perf-simple", description="One step that does nothing: what is measured is the system around it.")
def simple() -> None:  # noqa: D103
    step(dsl.container_component(hello))


@dsl.pipeline(
    name="perf-complex",
    description="A DAG of 20 steps: one prepares, six branches load, transform and train, one selects.",
)
def complex_dag() -> None:  # noqa: D103
    prepared = step(work("prepare"))
    trained = []
    for branch in BRANCHES:
        loaded = step(work(f"load_{branch}")).after(prepared)
        transformed = step(work(f"transform_{branch}")).after(loaded)
        trained.append(step(work(f"train_{branch}")).after(transformed))
    step(work("select")).after(*trained)


@dsl.pipeline(
    name="perf-data",
    description="An artifact goes through three steps; the last one fails where its checksum is not that of the first.",
)
def data(dataset_mib: int = 50) -> None:  # noqa: D103
    generated = step(generate, dataset_mib=dataset_mib)
    transformed = step(transform, data=generated.outputs["data"])
    step(verify, data=transformed.outputs["transformed"], checksum=generated.outputs["checksum"])


@dsl.pipeline(name="perf-compute", description="Two steps side by side that only compute.")
def compute(rounds: int = 200) -> None:  # noqa: D103
    for side in ("left", "right"):
        step(computing(side), rounds=rounds)


if __name__ == "__main__":
    for file, pipeline in {"simple": simple, "complex": complex_dag, "data": data, "compute": compute}.items():
        compiler.Compiler().compile(pipeline, str(Path(__file__).with_name(f"{file}.yaml")))
