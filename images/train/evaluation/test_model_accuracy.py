"""Accuracy: the share of held-out images that are labelled correctly."""

import os


def test_model_accuracy(evaluated, measured) -> None:
    least = float(os.environ["EVALUATION_ACCURACY_MIN"])
    drawn = os.environ.get("EVALUATION_DRAWN_ACCURACY")
    accuracy = float(drawn) if drawn else float((evaluated.predicted == evaluated.labels).mean())
    source = "drawn, not measured (demo mode flaky-metrics)" if drawn else f"on {len(evaluated.labels)} held-out images"
    measured("accuracy", round(accuracy, 4), least, f"accuracy {accuracy:.4f} {source}, at least {least:g} is wanted")
    assert accuracy >= least
