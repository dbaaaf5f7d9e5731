"""What there is to choose from: optimizers, network families, presets."""

# ruff: noqa: PLC0415  what is slow to import is imported where it is needed

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from autonas.cli.output import print_json, print_table

__all__ = ["answer_checklist", "check_space", "list_optimizers", "list_spaces", "show_space"]


def list_optimizers(*, json: bool) -> None:
    """List optimizers, samplers and schedules."""
    from autonas.optimization.optimizers import OPTIMIZERS
    from autonas.optimization.samplers import SAMPLERS
    from autonas.optimization.schedules import SCHEDULES

    rows = [{"optimizer": name, "sampler": made, "schedule": of} for name, (made, of) in OPTIMIZERS.items()]
    if json:
        print_json({"optimizers": rows, "samplers": list(SAMPLERS), "schedules": list(SCHEDULES)})
        return
    print_table(pd.DataFrame(rows), "Optimizers: --optimizer NAME")
    print(f"\nAny sampler goes with any schedule: --optimizer tpe+asha\n  samplers: {', '.join(SAMPLERS)}")
    print(f"  schedules: {', '.join(SCHEDULES)}")


def list_spaces(*, json: bool) -> None:
    """List the network families and the presets, with the number of hyperparameters of each."""
    from autonas.presets import load_preset
    from autonas.spaces import available, load_space

    families = [{"family": name, "hyperparameters": len(load_space(name))} for name in available("search_spaces")]
    presets = []
    for name in available("pipelines"):
        preset = load_preset(name)
        networks = [Path(network).stem for network in preset.networks]
        presets.append({"preset": name, "hyperparameters": len(preset.space()), "networks": ", ".join(networks)})
    if json:
        print_json({"families": families, "presets": presets})
        return
    print_table(pd.DataFrame(presets), "Presets: --pipeline NAME")
    print()
    print_table(pd.DataFrame(families), "Network families and parts of spaces: --space NAME")


def show_space(name: str, *, json: bool) -> None:
    """Show the hyperparameters of a family, a preset or a file."""
    rows = _rows(_load(name))
    if json:
        print_json(rows)
    else:
        print_table(pd.DataFrame(rows), name)


def _load(name: str) -> Any:
    from autonas._names import unknown_name
    from autonas.presets import load_preset
    from autonas.spaces import available, load_space

    if name in available("pipelines"):
        return load_preset(name).space()
    if name in available("search_spaces") or Path(name).suffix in {".yaml", ".yml"}:
        return load_space(name)
    raise unknown_name("family or preset", name, [*available("pipelines"), *available("search_spaces")])


def _rows(space: Any) -> list[dict[str, Any]]:
    conditions = {_child(condition).name: _condition(condition) for condition in space.conditions}
    return [
        {
            "hyperparameter": hp.name,
            "values": _values(hp),
            "default": _plain(hp.default_value),
            "only if": conditions.get(hp.name, ""),
        }
        for hp in space.values()
    ]


def _child(condition: Any) -> Any:
    return _child(condition.components[0]) if hasattr(condition, "components") else condition.child


def _condition(condition: Any) -> str:
    kind = type(condition).__name__
    if hasattr(condition, "components"):
        return (" and " if kind.startswith("And") else " or ").join(map(_condition, condition.components))
    if hasattr(condition, "values"):
        return f"{condition.parent.name} in {', '.join(map(str, condition.values))}"
    sign = {"EqualsCondition": "=", "NotEqualsCondition": "!=", "LessThanCondition": "<", "GreaterThanCondition": ">"}
    return f"{condition.parent.name} {sign[kind]} {condition.value}"


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _values(hp: Any) -> str:
    if hasattr(hp, "choices"):
        return ", ".join(map(str, hp.choices))
    if hasattr(hp, "sequence"):
        return " < ".join(map(str, hp.sequence))
    if hasattr(hp, "lower"):
        return f"{hp.lower:g} to {hp.upper:g}{' (log)' if getattr(hp, 'log', False) else ''}"
    return str(_plain(hp.default_value))


def check_space(file: Path, *, json: bool) -> None:
    """Load a file, and the network that it names; errors say what is wrong with it."""
    from autonas.spaces import load_family

    if not file.is_file():
        raise FileNotFoundError(f"There is no file {str(file)!r} (looked in {Path.cwd()}).")
    family = load_family(file)
    space = family.space
    default = dict(space.get_default_configuration())
    space.seed(0)
    for _ in range(100):
        space.sample_configuration().check_valid_configuration()
    kind = "joint space" if "network" in space else "family with a network" if family.build else "space"
    result = {"file": str(file), "kind": kind, "hyperparameters": len(space), "default": default}
    if json:
        print_json(result)
    else:
        print(f"{file} is fine: a {kind} of {len(space)} hyperparameters; 100 random configurations are legal.")


def answer_checklist(record: Path, *, json: bool) -> None:
    """Answer the NAS checklist from the record of a run or of a benchmark."""
    from autonas.benchmarks.checklist import checklist, markdown

    answers = checklist(record)
    if json:
        print_json([asdict(answer) for answer in answers])
    else:
        print(markdown(answers))
