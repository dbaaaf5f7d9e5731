"""The examples in the docstrings run, and everything public is documented."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil

import pytest

import autonas

MODULES = sorted(m.name for m in pkgutil.walk_packages(autonas.__path__, "autonas.") if "__main__" not in m.name)


@pytest.mark.parametrize("name", ["autonas", *MODULES])
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert results.failed == 0


@pytest.mark.parametrize("name", autonas.__all__)
def test_public_names_are_documented(name):
    public = getattr(autonas, name)
    if not callable(public):
        return  # the dictionaries of names
    assert inspect.getdoc(public)
    for method, function in inspect.getmembers(public, inspect.isfunction):
        # scikit-learn documents what it brings in.
        if not method.startswith("_") and function.__module__.startswith("autonas"):
            assert inspect.getdoc(function), method
