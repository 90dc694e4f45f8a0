"""Recall of the worst class: a good mean must not hide a class that the model never recognises."""

import os

import numpy


def test_class_recall(evaluated, measured) -> None:
    least = float(os.environ["EVALUATION_RECALL_MIN"])
    counts = evaluated.confusion
    present = counts.sum(axis=1) > 0
    recalls = numpy.where(present, counts.diagonal() / numpy.maximum(1, counts.sum(axis=1)), 1.0)
    worst = int(recalls.argmin())
    label, recall = evaluated.contract["labels"][worst], float(recalls[worst])
    measured(
        "class-recall", round(recall, 4), least, f"recall {recall:.4f} of class {label}, the worst, at least {least:g}"
    )
    assert recall >= least
