"""A model of leaves with the methods of LightGBM's Booster, for a place where LightGBM is not installed."""

from pathlib import Path


class LeafModel:
    def __init__(self, model_file):
        lines = dict(line.split("=", 1) for line in Path(model_file).read_text().splitlines() if "=" in line)
        self._names = lines["feature_names"].split()
        self._thresholds = [float(text) for text in lines["threshold"].split()]
        self._leaves = [float(text) for text in lines["leaf_value"].split()]

    def num_feature(self):
        return len(self._names)

    def feature_name(self):
        return list(self._names)

    def predict(self, rows):
        return [self._leaves[sum(value > at for value, at in zip(row, self._thresholds, strict=True))] for row in rows]
