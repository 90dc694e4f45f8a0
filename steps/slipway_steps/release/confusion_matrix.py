"""Draws the confusion matrix of an evaluation."""

from collections.abc import Sequence
from pathlib import Path


def draw(matrix: Sequence[object], labels: Sequence[str], path: Path) -> Path:
    """Write a confusion matrix as a PNG file with the count in each cell, and return its path. Rows are the true
    labels, columns the predicted ones.

    It is drawn with Matplotlib alone: the import of scikit-learn, which has a class for this, takes a second.
    """
    import numpy
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = numpy.array(matrix)
    size = max(4.0, 0.55 * len(labels) + 1.5)
    figure = Figure(figsize=(size, size), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(xlabel="Predicted label", ylabel="True label", title="Held-out images")
    axes.imshow(counts, cmap="Blues")
    axes.set_xticks(range(len(labels)), labels, rotation=45 if max(map(len, labels)) > 3 else 0)
    axes.set_yticks(range(len(labels)), labels)
    for (row, column), count in numpy.ndenumerate(counts):
        colour = "white" if count > counts.max() / 2 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    figure.savefig(path, dpi=120)
    return path
