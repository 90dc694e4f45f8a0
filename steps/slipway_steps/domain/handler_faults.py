"""The catalogue of faults of inference handlers: code, what it means, what the real server does, how to mend it."""

from typing import NamedTuple


class FaultKind(NamedTuple):
    """What every fault of one kind has in common. `server` is what sagemaker-inference inside multi-model-server does.
    A `remark` rejects nothing.
    """

    code: str
    sentence: str
    server: str
    advice: str
    remark: bool = False


_HEALTHY = "/ping stays 200 Healthy, every request gets 500"
_DIES = "the worker dies: 500 `Worker died.`, and it is started anew with the model loaded again"

CATALOGUE = (
    # package
    FaultKind(
        "no-code",
        "The package has no code/inference.py where the server looks for it.",
        "the toolkit's defaults are used: 500 `Please provide a model_fn implementation`",
        "put inference.py into code/ at the root of the archive: tar czf model.tar.gz -C DIRECTORY .",
    ),
    FaultKind(
        "syntax",
        "A file of code/ is not valid Python.",
        f"{_HEALTHY} with the syntax error",
        "correct the line; python -m py_compile code/inference.py shows the same error",
    ),
    FaultKind(
        "import-missing",
        "A module that the handler imports is neither installed nor named in code/requirements.txt.",
        f"{_HEALTHY} `No module named ...`",
        "name the distribution with its version in code/requirements.txt, or put the module into code/",
    ),
    FaultKind(
        "shadows-module",
        "A file of code/ is named like a module of Python itself and hides it from every library.",
        "libraries import the wrong module; errors far from the cause",
        "give the file another name",
    ),
    FaultKind(
        "fixed-path",
        "The handler names /opt/ml/model instead of using model_dir.",
        "works in one place only; elsewhere 500 `No such file or directory`",
        "join the file's name with the argument model_dir of model_fn",
    ),
    FaultKind(
        "unpinned",
        "A requirement has no exact version.",
        "each start of the container may install another version",
        "pin it: name==version",
        remark=True,
    ),
    # signatures
    FaultKind(
        "no-model-fn",
        "The handler has no model_fn, and this toolkit has no default that loads a model.",
        f"{_HEALTHY} `Please provide a model_fn implementation`",
        "write def model_fn(model_dir): and return the loaded model",
    ),
    FaultKind(
        "no-predict-fn",
        "The handler has neither predict_fn nor transform_fn.",
        f"{_HEALTHY} `Please provide a predict_fn implementation`",
        "write def predict_fn(data, model): and return the prediction",
    ),
    FaultKind(
        "transform-conflict",
        "The handler has transform_fn beside input_fn, predict_fn or output_fn.",
        f"{_HEALTHY} `Cannot use transform_fn implementation in conjunction with ...`",
        "keep transform_fn, or the other three",
    ),
    FaultKind(
        "arity",
        "A function takes another number of arguments than the toolkit gives it.",
        "500 `... takes N arguments but M were given.`",
        "model_fn(model_dir), input_fn(data, content_type), predict_fn(data, model), output_fn(prediction, accept), "
        "transform_fn(model, data, content_type, accept); each may take context as one more",
    ),
    FaultKind(
        "context-into-default",
        "An argument with a default value silently gets the toolkit's Context, because it is one more than needed.",
        "200 with a wrong answer, or 500 wherever the value is used",
        "remove the argument, or name it context and use it as the request's context",
    ),
    FaultKind(
        "var-args",
        "The function takes *args or **kwargs, each of which the toolkit counts as one argument.",
        "500 `... takes N arguments but M were given.`",
        "name the arguments one by one",
    ),
    FaultKind(
        "async",
        "The function is asynchronous or a generator; the toolkit neither awaits nor iterates it.",
        "500 `Object of type coroutine is not JSON serializable`",
        "write a plain def that returns its result",
    ),
    FaultKind(
        "not-callable",
        "The name of a function holds something that Python cannot call with known arguments.",
        "500 `... is not a callable object`",
        "define the function with def in inference.py",
    ),
    FaultKind(
        "swapped-arguments",
        "The arguments of the function are in another order than the toolkit gives them.",
        "500 wherever the wrong value is used, such as `'numpy.ndarray' object has no attribute 'predict'`",
        "use the order input_fn(data, content_type), predict_fn(data, model), output_fn(prediction, accept)",
    ),
    # model
    FaultKind(
        "model-missing",
        "model_fn looks for a file that the package does not have.",
        f"{_HEALTHY} `No such file or directory`",
        "give the file the name that model_fn looks for, at the root of the archive",
    ),
    FaultKind(
        "model-none",
        "model_fn returned None.",
        "/ping says Healthy, and each prediction fails or answers nonsense",
        "return the loaded model",
    ),
    FaultKind(
        "model-raises",
        "model_fn raised an error.",
        f"{_HEALTHY} with the error's text; the model is loaded anew for each request",
        "call model_fn('.') in the unpacked package and correct what it raises",
    ),
    FaultKind(
        "reloads",
        "The model is read from disk again for each request.",
        "200, slowly: the time of a load is part of every answer",
        "load it once in model_fn and use the argument model",
    ),
    FaultKind(
        "downloads",
        "The handler opens a network connection, which an endpoint with network isolation does not have.",
        "500, or a long wait, once the endpoint has no network",
        "put what it downloads into the package",
    ),
    FaultKind(
        "memory",
        "The handler used more memory than it may and was killed.",
        _DIES,
        "use a smaller model or batch, or test with more: --memory",
    ),
    FaultKind(
        "timeout",
        "The handler did not answer in time.",
        "500 after 60 s, and the worker is started anew",
        "do the slow work in model_fn; use a smaller model",
    ),
    FaultKind(
        "exit",
        "The handler ended its process: sys.exit, os._exit, or a crash in native code.",
        _DIES,
        "raise an exception instead; for a crash, run the line under python -X faulthandler",
    ),
    # input
    FaultKind(
        "bytes-expected",
        "The function treats its input as bytes where it is text, or the other way round.",
        "500 `'str' object has no attribute 'decode'` or its like",
        "application/json and text/csv arrive as str, every other content type as bytes",
    ),
    FaultKind(
        "type-refused",
        "The handler refuses a content type or accept type that it should support.",
        "500, or the status that the handler gives",
        "handle the type in input_fn or output_fn, or take it out of the supported types",
    ),
    FaultKind(
        "accepts-garbage",
        "The handler answers 2xx to a body that is no valid input.",
        "200 with a prediction for nothing",
        "raise an error in input_fn where the body cannot be read",
    ),
    FaultKind(
        "header-row",
        "The first row of a CSV body is treated wrongly: a header counts as data, or data as a header.",
        "200 with one row too many or too few, or 500",
        "agree on one: with pandas, header=None where no header is sent",
    ),
    FaultKind(
        "charset",
        "A content type with a parameter, such as application/json; charset=utf-8, is refused.",
        "500: to the toolkit it is another content type",
        "compare only the part before the semicolon in input_fn; such a body arrives as bytes",
        remark=True,
    ),
    FaultKind(
        "client-fault-500",
        "A fault of the client is answered with 500, so that clients repeat the request and alarms ring.",
        "500 for every exception but BaseInferenceToolkitError",
        "raise sagemaker_inference.errors.BaseInferenceToolkitError(400, message, phrase)",
        remark=True,
    ),
    FaultKind(
        "empty-body",
        "The handler answers 2xx with a prediction to an empty body.",
        "200 with a prediction for nothing",
        "refuse an empty body in input_fn",
    ),
    # predict
    FaultKind(
        "row-count",
        "The answer does not have a row for each row of the request.",
        "200 with the wrong number of rows",
        "return one prediction for each row",
    ),
    FaultKind(
        "not-deterministic",
        "The same request gets different answers.",
        "200, another answer each time",
        "set the model to evaluation mode and use no random numbers when serving",
    ),
    FaultKind(
        "state-leak",
        "An answer depends on the requests before it.",
        "200, answers that depend on the order of requests",
        "keep nothing of a request in globals or in the model",
    ),
    FaultKind(
        "batch-dependent",
        "The prediction of a row depends on the other rows of its request.",
        "200, other answers for the same row",
        "use no statistics of the batch: model.eval(), scaling from training data",
    ),
    FaultKind(
        "grows",
        "The handler keeps more memory with each request.",
        "the container is killed after some time",
        "bound caches and lists that live longer than a request",
    ),
    FaultKind(
        "skew",
        "The handler predicts something else than the evaluation did for the same held-out data.",
        "200 with predictions that nobody has judged",
        "scale and order the input in the handler exactly as the evaluation does",
    ),
    # output
    FaultKind(
        "output-none",
        "output_fn returned None.",
        "200 with the body `null`",
        "return the serialized answer, such as json.dumps(prediction.tolist())",
    ),
    FaultKind(
        "not-serializable",
        "The answer cannot be written as JSON.",
        "503 where output_fn returned it, 500 where json.dumps raised it",
        "convert it first: array.tolist(), float(value)",
    ),
    FaultKind(
        "accept-ignored",
        "The answer is not in the type that the client accepts.",
        "200 with a content type that the body does not have",
        "look at accept in output_fn, and serialize as it says",
    ),
    FaultKind(
        "tuple-swapped",
        "output_fn returned (content type, body) instead of (body, content type).",
        "200 with the content type as body and the body as content type",
        "return body, content_type",
    ),
    FaultKind(
        "content-type-not-text",
        "The content type that output_fn returned is not text.",
        _DIES,
        "return the answer alone, or (body, 'application/json')",
    ),
    FaultKind(
        "one-tuple",
        "output_fn returned a tuple with one member, often because of a comma too much.",
        "500 `tuple index out of range`",
        "return the answer without the comma",
    ),
    FaultKind(
        "not-json",
        "The answer says it is JSON and is not: NaN and Infinity are no JSON, nor is Python's repr.",
        "200 with a body that strict clients cannot read",
        "use json.dumps(..., allow_nan=False) and send null for what has no value",
    ),
    FaultKind(
        "error-as-200",
        "The handler answers 200 with an error message as its body.",
        "200 with the error as if it were a prediction",
        "let the exception rise, or raise BaseInferenceToolkitError with the right status",
    ),
    FaultKind(
        "non-ascii-error",
        "The text of an error is not ASCII, which corrupts the server's answer.",
        _DIES,
        "raise errors with ASCII text only: text.encode('ascii', 'backslashreplace').decode()",
    ),
    FaultKind(
        "status-not-number",
        "The status of an error is not a number.",
        _DIES,
        "give the status as an int: BaseInferenceToolkitError(400, ...)",
    ),
    FaultKind(
        "too-large",
        "A request or an answer is larger than the server's limit of 6,553,500 bytes.",
        "413 for a request; an answer never arrives",
        "send fewer rows in one request",
    ),
    # what a sample asks for
    FaultKind(
        "sample-fails",
        "A sample that should succeed fails.",
        "the answer that is shown",
        "correct the function that is named, or the sample",
    ),
    FaultKind(
        "unexpected-answer",
        "The answer to a sample is not what the sample expects.",
        "the answer that is shown",
        "correct the handler, or what samples.json expects",
    ),
    FaultKind(
        "over-budget",
        "A function took longer than its budget, and the budgets were asked to reject.",
        "200, slowly",
        "make it faster, or test without budgets",
    ),
)

KINDS = {kind.code: kind for kind in CATALOGUE}
"""The kinds of fault by code."""
