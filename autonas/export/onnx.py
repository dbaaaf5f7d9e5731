"""A fitted estimator as an ONNX file, which reads the raw columns: text too."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from autonas._fitting import Fitted
from autonas._version import __version__
from autonas.export.model import ExportedEnsemble, exported_ensemble, trace
from autonas.training.columns import Column
from autonas.training.data import TableSchema
from autonas.training.images import ImageSchema

__all__ = ["export_onnx"]

Array = npt.NDArray[Any]

#: onnxruntime has read these since 1.14 (2023).
_OPSET, _ML_OPSET = 18, 3
#: Before the name of all that is neither an input nor an output of the file: columns may have any name.
_PREFIX = "autonas/"


def export_onnx(path: str | Path, fitted: Fitted, classes: Array | None, *, best_only: bool = False) -> Path:
    """Write a fitted estimator as an ONNX file; see :meth:`AutoNASClassifier.export_onnx`.

    Parameters
    ----------
    path : str or Path
    fitted : Fitted
    classes : ndarray or None
        The labels; None for regression.
    best_only : bool, default=False

    Returns
    -------
    Path

    Raises
    ------
    ImportError
        Without onnx and onnxscript.
    ValueError
        If the ensemble has traditional models, or a network of the user's own cannot be expressed.
    """
    try:
        import onnx  # noqa: PLC0415 - an extra
        import onnxscript  # noqa: F401, PLC0415 - an extra; torch's exporter needs it
    except ImportError as error:
        raise ImportError(f"Exporting needs onnx and onnxscript ({error}): pip install 'autonas[onnx]'.") from error
    model = exported_ensemble(fitted, best_only=best_only)
    document = onnx.compose.add_prefix(_in_onnx(model), _PREFIX)
    graph = _Graph(onnx, document)
    if isinstance(fitted.schema, ImageSchema):
        graph.read_images(fitted.schema)
    else:
        graph.read_columns(fitted.schema)
    if classes is None:
        graph.give_numbers()
    else:
        graph.give_classes(classes, fitted.decision.weights)
    onnx.checker.check_model(document)
    path = Path(path).expanduser()
    onnx.save(document, str(path))
    return path


def _in_onnx(model: ExportedEnsemble) -> Any:
    """Have torch write what is arithmetic on tensors: the model's inputs in, ``predicted`` out."""
    traced = trace(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            traced,
            tuple(model.inputs.values()),
            dynamo=True,
            input_names=list(model.inputs),
            output_names=["predicted"],
            opset_version=_OPSET,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


class _Graph:
    """What stands before and behind the networks in a file: its inputs, its outputs, and text."""

    def __init__(self, onnx: Any, document: Any) -> None:
        self.onnx, self.graph = onnx, document.graph
        document.producer_name, document.producer_version = "autonas", __version__
        document.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", _ML_OPSET))
        self._rest = list(self.graph.node)
        del self.graph.node[:]
        del self.graph.input[:]
        del self.graph.output[:]

    def read_images(self, schema: ImageSchema) -> None:
        """Have one input, ``images``."""
        kind = self.onnx.TensorProto.UINT8 if schema.is_uint8 else self.onnx.TensorProto.FLOAT
        self._input("images", kind, [schema.channels, schema.height, schema.width])
        self._node("Identity", ["images"], f"{_PREFIX}raw")
        self._networks()

    def read_columns(self, schema: TableSchema) -> None:
        """Have one input for each column; or ``X``, where the estimator was given an array of numbers."""
        tensor = self.onnx.TensorProto
        if not schema.named and all(column.kind == "numeric" for column in schema.columns_):
            self._input("X", tensor.DOUBLE, [len(schema.columns_)])
            self._constant(f"{_PREFIX}needed", np.asarray(schema.needed, np.int64))
            self._node("Gather", ["X", f"{_PREFIX}needed"], f"{_PREFIX}raw", axis=1)
            self._networks()
            return
        parts: dict[str, list[str]] = {"raw": [], "codes": []}
        for i, (name, column) in enumerate(
            zip(_distinct(c.name for c in schema.columns_), schema.columns_, strict=True)
        ):
            is_text = column.kind == "category"
            self._input(name, tensor.STRING if is_text else tensor.DOUBLE, [1])
            if i not in schema.needed:
                continue
            if is_text:
                parts["codes"].append(f"{_PREFIX}code {i}")
                self._node("LabelEncoder", [name], parts["codes"][-1], domain="ai.onnx.ml", **_encoding(column))
            else:
                parts["raw"].append(name)
        for whole, names in parts.items():
            if names:
                self._node("Concat", names, _PREFIX + whole, axis=1)
        self._networks()

    def give_numbers(self) -> None:
        """Have one output, ``prediction``."""
        self._output("prediction", f"{_PREFIX}predicted", self.onnx.TensorProto.FLOAT, [])

    def give_classes(self, classes: Array, weights: Array) -> None:
        """Have the outputs ``label`` and ``probabilities``."""
        predicted = judged = f"{_PREFIX}predicted"
        if (weights != 1).any():
            self._constant(f"{_PREFIX}weights", weights.astype(np.float32))
            judged = f"{_PREFIX}judged"
            self._node("Mul", [predicted, f"{_PREFIX}weights"], judged)
        labels = classes if classes.dtype.kind in "biuf" else classes.astype(str).astype(object)
        labels = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels
        self._constant(f"{_PREFIX}classes", labels)
        self._node("ArgMax", [judged], f"{_PREFIX}place", axis=1, keepdims=0)
        self._node("Gather", [f"{_PREFIX}classes", f"{_PREFIX}place"], f"{_PREFIX}label", axis=0)
        kind = self.onnx.helper.np_dtype_to_tensor_dtype(labels.dtype)
        self._output("label", f"{_PREFIX}label", kind, [])
        self._output("probabilities", predicted, self.onnx.TensorProto.FLOAT, [len(classes)])

    def _networks(self) -> None:
        self.graph.node.extend(self._rest)

    def _input(self, name: str, kind: int, shape: list[int]) -> None:
        self.graph.input.append(self.onnx.helper.make_tensor_value_info(name, kind, ["rows", *shape]))

    def _output(self, name: str, source: str, kind: int, shape: list[int]) -> None:
        name = _distinct([*(i.name for i in self.graph.input), name])[-1]
        self._node("Identity", [source], name)
        self.graph.output.append(self.onnx.helper.make_tensor_value_info(name, kind, ["rows", *shape]))

    def _constant(self, name: str, value: Array) -> None:
        self.graph.initializer.append(self.onnx.numpy_helper.from_array(value, name))

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.graph.node.append(
            self.onnx.helper.make_node(kind, inputs, [output], name=f"{kind} {output}", **attributes)
        )


def _encoding(column: Column) -> dict[str, Any]:
    """Say what code each text has; the empty text is a missing one, if it is no category."""
    codes = {"": 0} | {text: code for code, text in enumerate(column.categories, 1)}
    other = column.cardinality - 1 if column.has_other else 0
    return {"keys_strings": list(codes), "values_int64s": list(codes.values()), "default_int64": other}


def _distinct(names: Iterable[str]) -> list[str]:
    """Add underscores to names that were there before."""
    taken: dict[str, None] = {}
    for name in names:
        while name in taken:
            name += "_"  # noqa: PLW2901 - until it is new
        taken[name] = None
    return list(taken)
