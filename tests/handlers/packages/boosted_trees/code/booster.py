"""A booster of stumps with the attributes of XGBoost's Booster, for a place where XGBoost is not installed."""

import json
from pathlib import Path


class Booster:
    def __init__(self, model_file):
        model = json.loads(Path(model_file).read_text())
        self.feature_names = model["feature_names"]
        self.best_iteration = len(model["stumps"]) - 1
        self._stumps, self._base = model["stumps"], model["base_score"]

    def num_features(self):
        return len(self.feature_names)

    def inplace_predict(self, data):
        return [
            self._base + sum(low if row[at] < split else high for at, split, low, high in self._stumps) for row in data
        ]
