"""Loss: the mean cross-entropy on held-out images in nats. It is high where the model is confident and wrong."""

import os

import numpy


def test_model_loss(evaluated, measured) -> None:
    most = float(os.environ["EVALUATION_LOSS_MAX"])
    right = evaluated.probabilities[numpy.arange(len(evaluated.labels)), evaluated.labels]
    loss = float(-numpy.log(numpy.clip(right, 1e-12, 1)).mean())
    measured("loss", round(loss, 4), most, f"cross-entropy {loss:.4f} nats, at most {most:g} is wanted", "nats")
    assert loss <= most
