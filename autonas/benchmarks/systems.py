"""The systems that the harness runs: AutoNAS and its peers, and how each is told what it is judged by."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autonas._names import check_names, unknown_name

__all__ = ["SYSTEMS", "System", "check_system", "harness_arguments", "is_network", "parse_system"]


@dataclass(frozen=True)
class System:
    """How the harness runs a peer.

    Attributes
    ----------
    name : str
        What the harness calls it.
    environment : str
        The folder of its interpreter among the peers'.
    adapter : str, optional
        A function of ``_adapters.py``, where the harness's own adapter will not do.
    classification, regression : dict
        Options of the harness's adapter; among them that it is judged by log loss or RMSE, where the peer
        can be told.
    network : bool, default=False
        Whether what it makes is a neural network, or an ensemble of such, and nothing else.
    """

    name: str
    environment: str
    adapter: str = ""
    classification: Mapping[str, Any] = field(default_factory=dict)
    regression: Mapping[str, Any] = field(default_factory=dict)
    network: bool = False


SYSTEMS: Mapping[str, System | None] = MappingProxyType(
    {
        "autonas": None,
        "autogluon": System("autogluon", "ag", "autogluon"),
        "autogluon_network": System("autogluon_nn", "ag", "autogluon", network=True),
        "flaml": System("flaml", "flaml", "", {"metric": "log_loss"}, {"metric": "rmse"}),
        # Without label smoothing, as pytabkit's documentation asks for where log loss judges.
        "realmlp": System(
            "realmlp_limit",
            "pytabkit",
            "pytabkit",
            classification={"kwargs": {"val_metric_name": "cross_entropy", "use_ls": False}},
            network=True,
        ),
        "tabm": System(
            "tabm", "pytabkit", classification={"kwargs": {"val_metric_name": "cross_entropy"}}, network=True
        ),
        "autopytorch": System(
            "autopytorch",
            "apt39",
            "autopytorch",
            classification={"kwargs": {"optimize_metric": "log_loss"}},
            regression={"kwargs": {"optimize_metric": "root_mean_squared_error"}},
            network=True,
        ),
        "autokeras": System("autokeras", "autokeras", network=True),
        "hist_gradient_boosting": System("sk_hgb", "skl"),
        "random_forest": System("sk_rf", "skl"),
        "mlp": System("sk_mlp", "skl", "mlp", network=True),
        "linear": System("sk_mlp", "skl", "linear"),
    }
)
"""Name to how the harness runs it; None is AutoNAS itself, by the interpreter that runs this."""

_SOURCE = Path(__file__).resolve().parents[2]


def parse_system(system: str) -> tuple[str, dict[str, Any]]:
    """Divide ``name[argument=value, ...]``.

    Parameters
    ----------
    system : str
        A name of :data:`SYSTEMS`, with arguments or none: of our estimators (and ``without``, a part of
        :data:`~autonas.benchmarks.ours.PARTS`), or options of the harness's adapter of a peer. A value is a
        Python literal, or a bare word, which is text.

    Returns
    -------
    name : str
    arguments : dict

    Raises
    ------
    ValueError
        If the name is unknown, or the rest is not of that form.

    Examples
    --------
    >>> parse_system("autonas[ensemble_size=1, optimizer=tpe]")
    ('autonas', {'ensemble_size': 1, 'optimizer': 'tpe'})
    """
    name, bracket, rest = system.partition("[")
    if name not in SYSTEMS:
        raise unknown_name("system", name, SYSTEMS)
    arguments = _arguments(rest) if bracket else {}
    if arguments is None:
        raise ValueError(
            f"The system {system!r} is not of the form name[argument=value, ...], as in autonas[ensemble_size=1] or "
            'autonas[optimizer="tpe+asha"].'
        )
    return name, arguments


def _arguments(text: str) -> dict[str, Any] | None:
    """Read ``argument=value, ...]``; None if it is something else."""
    try:
        call = ast.parse(f"f({text.removesuffix(']')})", mode="eval").body
        if not text.endswith("]") or not isinstance(call, ast.Call) or call.args:
            return None
        given = {keyword.arg: _value(keyword.value) for keyword in call.keywords if keyword.arg}
        return given if len(given) == len(call.keywords) else None
    except (SyntaxError, ValueError):
        return None


def _value(node: ast.expr) -> Any:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def harness_arguments(system: str, *, classification: bool) -> list[str]:
    """Tell the harness which system to run, and how.

    Parameters
    ----------
    system : str
        As for :func:`parse_system`.
    classification : bool
        Whether classes are to be predicted, not numbers.

    Returns
    -------
    list of str
        Arguments of the harness's command line.
    """
    name, given = parse_system(system)
    peer = SYSTEMS[name]
    if peer is None:
        arguments = {"time_limit": "SECONDS", "random_state": "SEED", **{k: repr(v) for k, v in given.items()}}
        call = ", ".join(f"{key}={value}" for key, value in arguments.items())
        ours = ["--python", sys.executable, "--path", str(_SOURCE), "--x", "raw"]
        return [*ours, "--expr", f"autonas.benchmarks.ours:AutoNASKIND({call})"]
    options = {**(peer.classification if classification else peer.regression), **given}
    adapter = ["--adapter", f"{Path(__file__).with_name('_adapters.py')}:{peer.adapter}"] if peer.adapter else []
    return ["--system", peer.name, *adapter, "--opts", json.dumps(options)]


def is_network(system: str) -> bool:
    """Say whether what a system makes is a neural network, or an ensemble of such, and nothing else."""
    peer = SYSTEMS[parse_system(system)[0]]
    return peer is None or peer.network


def check_system(system: str, peers: str | Path | None) -> None:
    """See to it that a system can be run.

    Parameters
    ----------
    system : str
        As for :func:`parse_system`.
    peers : str or Path or None
        The folder of the peers' environments.

    Raises
    ------
    ValueError
        If our estimators have no such argument.
    FileNotFoundError
        If the system's interpreter is not there.
    """
    name, given = parse_system(system)
    peer = SYSTEMS[name]
    if peer:
        _find_interpreter(system, peer, peers)
    elif given:
        from autonas.benchmarks.ours import PARTS  # noqa: PLC0415  torch is slow to import
        from autonas.estimator import AutoNASClassifier  # noqa: PLC0415  likewise

        known = [*inspect.signature(AutoNASClassifier).parameters, "without"]
        check_names("argument of AutoNASClassifier", given, known)
        if given.get("without", PARTS[0]) not in PARTS:
            raise unknown_name("part", given["without"], PARTS)


def _find_interpreter(system: str, peer: System, peers: str | Path | None) -> None:
    if not peers:
        raise FileNotFoundError(
            f"The system {system!r} is run by an interpreter of its own: pass `peers`, or set the environment "
            f"variable PEER_VENVS, to the folder that has {peer.environment}/bin/python."
        )
    python = Path(peers).expanduser() / peer.environment / "bin" / "python"
    if not python.exists():
        raise FileNotFoundError(
            f"There is no {python}, which runs the system {system!r}: make it with `make_peers.sh "
            f"{peer.environment}`, which stands beside the harness, name another folder by `peers` or the environment "
            "variable PEER_VENVS, or leave the system out of `systems`."
        )
