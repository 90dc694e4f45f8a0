"""Moods of sentences by words: texts in, labels with scores out."""

import csv
import io
import json
import re
from pathlib import Path

from sagemaker_inference.errors import BaseInferenceToolkitError


def model_fn(model_dir):
    words = {}
    for line in (Path(model_dir) / "words.tsv").read_text(encoding="utf-8").splitlines():
        word, weight = line.split("\t")
        words[word] = float(weight)
    return words


def input_fn(data, content_type):
    kind = content_type.partition(";")[0].strip()
    try:
        text = data if isinstance(data, str) else data.decode()
        if kind == "application/json":
            body = json.loads(text)
            texts = body["inputs"] if isinstance(body, dict) else body
            texts = [texts] if isinstance(texts, str) else texts
        elif kind == "text/csv":
            texts = [line[0] for line in csv.reader(io.StringIO(text), strict=True) if line]
        else:
            raise BaseInferenceToolkitError(415, "content type", "send application/json or text/csv")
    except (ValueError, KeyError, csv.Error) as error:
        raise BaseInferenceToolkitError(400, "body", "the body holds no texts") from error
    readable = isinstance(texts, list) and all(isinstance(one, str) and one.isprintable() for one in texts)
    if not readable or not texts:
        raise BaseInferenceToolkitError(400, "body", "the body holds no texts")
    return texts


def predict_fn(texts, words):
    scores = [sum(words.get(word, 0.0) for word in re.findall(r"\w+", text.lower())) for text in texts]
    return [{"label": "good" if score > 0 else "bad" if score < 0 else "neutral", "score": score} for score in scores]


def output_fn(prediction, accept):
    if accept == "text/csv":
        return "".join(f"{one['label']},{one['score']}\n" for one in prediction), "text/csv"
    return json.dumps(prediction), "application/json"
