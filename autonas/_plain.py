"""Objects as plain data: JSON and arrays out, the same objects back, without ever running what a file says.

Written are numbers, texts, containers, numpy arrays, search spaces, and objects of classes from a table that the caller
gives. Reading looks a class up in the same table and sets the object's attributes; nothing is imported, called or
unpickled by a name that stands in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from ConfigSpace import Configuration, ConfigurationSpace

from autonas._configurations import configuration_from, values

__all__ = ["NotPlainError", "pack", "unpack"]

Array = npt.NDArray[Any]
Classes = Mapping[str, type]

#: What marks a JSON object as more than a dictionary: its value says what of.
_KIND = "$"
#: Kinds of numpy's dtypes that are written as they are, and as whole numbers.
_NUMBERS, _TIMES = "biuf", "mM"


class NotPlainError(ValueError):
    """Something cannot be written as plain data."""


def pack(value: Any, classes: Classes) -> tuple[Any, dict[str, Array]]:
    """Turn an object into what JSON can hold, and the arrays in it.

    Parameters
    ----------
    value : object
    classes : mapping of str to type
        The classes whose objects may stand in it, by the names that the file gives them.

    Returns
    -------
    plain : object
        For ``json.dumps``.
    arrays : dict of str to ndarray
        Of numbers.

    Raises
    ------
    NotPlainError
        If there is an object of another class in it; the message says where.

    Examples
    --------
    >>> plain, arrays = pack({"a": (1, np.arange(2.0))}, {})
    >>> plain
    {'a': {'$': 'tuple', 'of': [1, {'$': 'array', 'at': 'a/1'}]}}
    >>> unpack(plain, arrays, {})
    {'a': (1, array([0., 1.]))}
    """
    packer = _Packer(classes)
    return packer.pack(value, ""), packer.arrays


def unpack(plain: Any, arrays: Mapping[str, Array], classes: Classes) -> Any:
    """Turn what :func:`pack` gave back into the object.

    Parameters
    ----------
    plain, arrays
        As :func:`pack` gave them.
    classes : mapping of str to type
        The same as there.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If it names what is not in ``classes``, or is damaged.
    """
    return _Unpacker(arrays, classes).unpack(plain)


class _Packer:
    def __init__(self, classes: Classes) -> None:
        self.names = {kind: name for name, kind in classes.items()}
        self.arrays: dict[str, Array] = {}
        # Objects that stand in two places come back as one.
        self.seen: dict[int, tuple[int, Any]] = {}

    def pack(self, value: Any, at: str) -> Any:
        if value is None or isinstance(value, (bool, str)) or (isinstance(value, int) and type(value) is int):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {_KIND: "float", "of": repr(value)}
        if isinstance(value, np.ndarray):
            return self._array(value, at)
        if isinstance(value, np.generic):
            return {_KIND: "number", "of": self._array(np.asarray(value), at)}
        if isinstance(value, (list, tuple)):
            items = [self.pack(item, f"{at}/{i}" if at else str(i)) for i, item in enumerate(value)]
            return items if isinstance(value, list) else {_KIND: "tuple", "of": items}
        if isinstance(value, dict):
            return self._mapping(value, at)
        return self._object(value, at)

    def _array(self, array: Array, at: str) -> Any:
        if array.dtype.kind in _NUMBERS + _TIMES:
            while at in self.arrays:
                at += "'"
            times = array.dtype.kind in _TIMES
            numbers = array.astype(np.int64) if times else array
            self.arrays[at] = np.ascontiguousarray(numbers).reshape(array.shape)
            return {_KIND: "array", "at": at, **({"dtype": array.dtype.str} if times else {})}
        if array.dtype.kind not in "OU":
            raise NotPlainError(f"{at or 'the object'}: an array of {array.dtype} cannot be written as plain data.")
        items = [self.pack(item, f"{at}/{i}") for i, item in enumerate(array.ravel().tolist())]
        return {_KIND: "array", "of": items, "dtype": array.dtype.str, "shape": list(array.shape)}

    def _mapping(self, mapping: Mapping[Any, Any], at: str) -> Any:
        if all(isinstance(key, str) for key in mapping) and _KIND not in mapping:
            return {key: self.pack(item, f"{at}/{key}" if at else key) for key, item in mapping.items()}
        pairs = [
            [self.pack(key, f"{at}/{i}/key"), self.pack(item, f"{at}/{i}")]
            for i, (key, item) in enumerate(mapping.items())
        ]
        return {_KIND: "dict", "of": pairs}

    def _object(self, value: Any, at: str) -> Any:
        if id(value) in self.seen:
            return {_KIND: "same", "as": self.seen[id(value)][0]}
        # The object is kept alive: its id must not pass to another.
        number = len(self.seen)
        self.seen[id(value)] = number, value
        if isinstance(value, ConfigurationSpace):
            return {_KIND: "space", "id": number, "of": _plain_space(value)}
        if isinstance(value, Configuration):
            space = self.pack(value.config_space, f"{at}/space")
            return {_KIND: "configuration", "id": number, "of": self.pack(values(value), at), "space": space}
        name = self.names.get(type(value))
        if name is None:
            raise NotPlainError(
                f"{at or 'the object'}: a {type(value).__module__}.{type(value).__qualname__} cannot be written as "
                "plain data."
            )
        attributes = {key: self.pack(item, f"{at}/{key}" if at else key) for key, item in vars(value).items()}
        return {_KIND: "object", "id": number, "class": name, "of": attributes}


def _plain_space(space: ConfigurationSpace) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return value.tolist() if hasattr(value, "tolist") else value

    serialized: dict[str, Any] = plain(space.to_serialized_dict())
    return serialized


class _Unpacker:
    def __init__(self, arrays: Mapping[str, Array], classes: Classes) -> None:
        self.arrays, self.classes = arrays, classes
        self.seen: dict[int, Any] = {}

    def unpack(self, plain: Any) -> Any:
        if isinstance(plain, list):
            return [self.unpack(item) for item in plain]
        if not isinstance(plain, dict):
            return plain
        if _KIND not in plain:
            return {key: self.unpack(item) for key, item in plain.items()}
        kinds = {
            "float": lambda p: float(p["of"]),
            "tuple": lambda p: tuple(self.unpack(p["of"])),
            "dict": lambda p: {self.unpack(key): self.unpack(item) for key, item in p["of"]},
            "number": lambda p: self.unpack(p["of"])[()],
            "array": self._array,
            "same": lambda p: self.seen[p["as"]],
            "space": self._space,
            "configuration": self._configuration,
            "object": self._object,
        }
        if plain[_KIND] not in kinds:
            raise ValueError(f"The file is damaged: it holds something of the unknown kind {plain[_KIND]!r}.")
        return kinds[plain[_KIND]](plain)

    def _array(self, plain: Mapping[str, Any]) -> Array:
        if "at" in plain:
            array: Array = self.arrays[plain["at"]]
            return array.view(plain["dtype"]) if "dtype" in plain else array  # times, as whole numbers of 64 bits
        array = np.empty(len(plain["of"]), object)
        array[:] = [self.unpack(item) for item in plain["of"]]
        whole: Array = array.astype(plain["dtype"]).reshape(plain["shape"])
        return whole

    def _space(self, plain: Mapping[str, Any]) -> ConfigurationSpace:
        space: ConfigurationSpace = self._keep(plain, ConfigurationSpace.from_serialized_dict(dict(plain["of"])))
        return space

    def _configuration(self, plain: Mapping[str, Any]) -> Configuration:
        space = self.unpack(plain["space"])
        configuration: Configuration = self._keep(plain, configuration_from(space, self.unpack(plain["of"])))
        return configuration

    def _object(self, plain: Mapping[str, Any]) -> Any:
        if plain["class"] not in self.classes:
            raise ValueError(f"The file is damaged or of a later version: it holds a {plain['class']!r}, unknown here.")
        kind = self.classes[plain["class"]]
        made = self._keep(plain, object.__new__(kind))
        # Frozen dataclasses too; no __init__ and no __setattr__ of theirs is called.
        vars(made).update({str(key): self.unpack(item) for key, item in plain["of"].items()})
        return made

    def _keep(self, plain: Mapping[str, Any], made: Any) -> Any:
        self.seen[plain["id"]] = made
        return made
