"""Draws the confusion matrix of an evaluation."""

from collections.abc import Sequence
from pathlib import Path


def draw(matrix: Sequence[object], labels: Sequence[str], path: Path) -> Path:
    """Write a confusion matrix as a PNG file with the count in each cell, and return its path. Rows are the true
    labels, columns the predicted ones.
    """
    import numpy
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    size = max(4.0, 0.55 * len(labels) + 1.5)
    figure = Figure(figsize=(size, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = ConfusionMatrixDisplay(numpy.array(matrix), display_labels=list(labels))
    shown.plot(ax=axes, cmap="Blues", colorbar=False, xticks_rotation=45 if max(map(len, labels)) > 3 else 0)
    axes.set_title("Held-out images")
    figure.savefig(path, dpi=120)
    return path
