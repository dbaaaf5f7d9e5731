"""The commands and their options."""

# ruff: noqa: PLC0415  each command imports what it needs: help is there at once

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from autonas._version import __version__
from autonas.cli.errors import CODES, STOPPED, complain, explain, nobody_reads, show_warning

__all__ = ["main", "make_app"]

Run = Annotated[Path, typer.Argument(help="Folder of a run: --out of fit, or run_dir in Python.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs; all else goes to stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Seconds = Annotated[float | None, typer.Option("--time", help="Seconds for all of it.", show_default="300")]
Trials = Annotated[int | None, typer.Option("--trials", help="Configurations at most; alone: no time limit.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, ...")]
Families = Annotated[
    list[str] | None,
    typer.Option("--space", help="Network family or YAML file; can be given several times.", show_default=False),
]
Own = Annotated[
    list[str] | None,
    typer.Option("--space", help="YAML file of a network of your own, as in fit.", show_default=False),
]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        The process's exit code: 0, 1 if every trial failed, 2 for a wrong argument or missing data, 130 if stopped by
        the keyboard.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given[:1]
    if arguments is None:  # this process is ours
        warnings.showwarning = show_warning
    try:
        code = make_app()(given, standalone_mode=False, prog_name="autonas")
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return complain("stopped. The same command goes on from here.", STOPPED)
    except SystemExit as ended:  # typer's way to end at any broken pipe
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        return 0 if nobody_reads() else explain(ended.__context__)
    except Exception as error:  # noqa: BLE001 - explain raises what is no message for people
        if isinstance(error, BrokenPipeError) and nobody_reads():
            return 0
        if debug:
            traceback.print_exc()
        return explain(error)
    return code if isinstance(code, int) else 0


def _version(asked: bool) -> None:
    if asked:
        print(f"autonas {__version__}")
        raise typer.Exit


def make_app() -> typer.Typer:
    """Put the commands together."""
    app = typer.Typer(
        help="Neural architecture search and tuning, from a table or a folder of images to a report.",
        epilog=CODES,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def autonas(
        version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
        debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    ) -> None:
        pass

    commands: list[Callable[..., None]] = [
        fit,
        predict,
        report,
        card,
        export,
        leaderboard,
        resume,
        dashboard,
        optimizers,
        checklist,
    ]
    for command in commands:
        app.command()(command)
    spaces = typer.Typer(help="List, show and check search spaces.", no_args_is_help=True)
    spaces.command("list")(spaces_list)
    spaces.command("show")(spaces_show)
    spaces.command("check")(spaces_check)
    app.add_typer(spaces, name="spaces")
    passed_on = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
    app.command(context_settings=passed_on, add_help_option=False)(benchmark)
    return app


def checklist(
    run: Annotated[
        Path, typer.Argument(help="Folder of a run, or a file of `benchmark optimizers`.", show_default=False)
    ],
    json: Json = False,
) -> None:
    """Answer the NAS best-practices checklist (Lindauer and Hutter 2019) from what a run has on record."""
    from autonas.cli.listings import answer_checklist

    answer_checklist(run, json=json)


def fit(
    data: Annotated[
        Path, typer.Argument(help="CSV, TSV or parquet; or a folder of images by class.", show_default=False)
    ],
    target: Annotated[str | None, typer.Option(help="Column to predict; none for images.", show_default=False)] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run.", show_default="runs/NAME OF THE DATA")] = None,
    time: Seconds = None,
    trials: Trials = None,
    optimizer: Annotated[str, typer.Option(help="See: autonas optimizers. Or SAMPLER+SCHEDULE: tpe+asha.")] = "bohb",
    one_shot: Annotated[
        str | None, typer.Option(help="Find cells by weight sharing first: darts, gdas, ...", show_default=False)
    ] = None,
    compare_to_random: Annotated[
        bool, typer.Option(help="Half of the time goes to random cells, to see what --one-shot is worth.")
    ] = False,
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    pipeline: Annotated[str, typer.Option(help="Preset, or its YAML file; see: autonas spaces list.")] = "auto",
    space: Families = None,
    metric: Annotated[
        str | None, typer.Option(help="What guides the search: roc_auc, mae, ...", show_default="log loss, or RMSE")
    ] = None,
    validation: Annotated[str, typer.Option(help="auto, holdout, cv, or a number of folds.")] = "auto",
    min_epochs: Annotated[int | None, typer.Option(help="Of the first rung.", show_default="by the data")] = None,
    max_epochs: Annotated[int | None, typer.Option(help="Of a full training.", show_default="by the data")] = None,
    ensemble_size: Annotated[int | None, typer.Option(help="1: the best trial alone.", show_default="preset")] = None,
    tune_threshold: Annotated[bool, typer.Option(help="Choose the classes' thresholds for --metric.")] = False,
    drop: Annotated[list[str] | None, typer.Option(help="Column to leave out.", show_default=False)] = None,
    weight: Annotated[str | None, typer.Option(help="Column of sample weights.", show_default=False)] = None,
    test: Annotated[Path | None, typer.Option(help="Data to judge the result by.", show_default=False)] = None,
    jobs: Annotated[int, typer.Option(help="Worker processes; -1: one a core.")] = 1,
    trial_time: Annotated[
        float | None, typer.Option(help="Seconds for a piece of a trial.", show_default=False)
    ] = None,
    trial_memory: Annotated[float | None, typer.Option(help="MiB that a trial may take.", show_default=False)] = None,
    device: Device = "auto",
    seed: Annotated[int | None, typer.Option(help="With --trials: the same run twice.", show_default=False)] = None,
    report: Annotated[bool, typer.Option("--report", help="Write RUN/report.html, too.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Search, tune and train networks for a table or for images.

    The same command goes on where it was stopped; more --time or --trials carry a finished run further.
    """
    from autonas.cli.runs import fit_run

    settings = {
        "optimizer": optimizer,
        "one_shot": one_shot,
        "compare_to_random": compare_to_random,
        "pipeline": pipeline,
        "space": space,
        "metric": metric,
        "validation": validation,
        "min_epochs": min_epochs,
        "max_epochs": max_epochs,
        "ensemble_size": ensemble_size,
        "tune_threshold": tune_threshold,
        "jobs": jobs,
        "trial_time": trial_time,
        "trial_memory": trial_memory,
        "device": device,
        "seed": seed,
        "time": time,
        "trials": trials,
    }
    source = {"data": data, "target": target, "task": task, "drop": drop, "weight": weight}
    fit_run(source, settings, out, test, report=report, quiet=quiet, json=json)


def resume(run: Run, time: Seconds = None, trials: Trials = None, quiet: Quiet = False, json: Json = False) -> None:
    """Go on with a run of `autonas fit` that was stopped, or give a finished one more time or trials."""
    from autonas.cli.runs import resume_run

    resume_run(run, time, trials, quiet=quiet, json=json)


def predict(
    run: Run,
    data: Annotated[Path, typer.Argument(help="CSV, TSV, parquet, images or an image.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="CSV or parquet.", show_default="stdout")] = None,
    space: Own = None,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Predict by a run, finished or not: classes with their probabilities, or numbers."""
    from autonas.cli.runs import predict_run

    predict_run(run, data, out, space, device, json=json)


def report(
    run: Run,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="HTML file.", show_default="RUN/report.html")] = None,
    space: Own = None,
    json: Json = False,
) -> None:
    """Write one HTML file that tells what was searched, what won and how sure that is."""
    from autonas.cli.runs import report_of_run

    report_of_run(run, out, space, json=json)


def card(
    run: Run,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Markdown file.", show_default="RUN/model_card.md")
    ] = None,
    space: Own = None,
    json: Json = False,
) -> None:
    """Write a model card: data, scores, limits, and how the model was made."""
    from autonas.cli.runs import card_of_run

    card_of_run(run, out, space, json=json)


def export(
    run: Run,
    to: Annotated[
        Path | None, typer.Option(help="File: .onnx, or .pt2 for torch.", show_default="RUN/model.onnx")
    ] = None,
    best_only: Annotated[bool, typer.Option(help="The best trial alone, not the ensemble.")] = False,
    space: Own = None,
    json: Json = False,
) -> None:
    """Write a run's networks, with their preprocessing, as a file for ONNX or for torch alone."""
    from autonas.cli.runs import export_of_run

    export_of_run(run, to, space, best_only=best_only, json=json)


def leaderboard(
    run: Run,
    top: Annotated[int, typer.Option(help="So many trials; 0: all.")] = 20,
    space: Own = None,
    json: Json = False,
) -> None:
    """List a run's trials, the best first."""
    from autonas.cli.runs import leaderboard_of_run

    leaderboard_of_run(run, top, space, json=json)


def dashboard(
    run: Run,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen; 0: any that is free.")] = 8080,
) -> None:
    """Show a run, going on or finished, in a browser by optuna-dashboard."""
    from autonas.cli.runs import show_dashboard

    show_dashboard(run, host, port)


def optimizers(json: Json = False) -> None:
    """List the optimizers, and the samplers and schedules that any others are made of."""
    from autonas.cli.listings import list_optimizers

    list_optimizers(json=json)


def spaces_list(json: Json = False) -> None:
    """List the network families and the presets."""
    from autonas.cli.listings import list_spaces

    list_spaces(json=json)


def spaces_show(
    name: Annotated[str, typer.Argument(help="Family, preset, or path of a YAML file.", show_default=False)],
    json: Json = False,
) -> None:
    """Show the hyperparameters of a family, a preset or a YAML file."""
    from autonas.cli.listings import show_space

    show_space(name, json=json)


def spaces_check(
    file: Annotated[Path, typer.Argument(help="YAML file of a space or family.", show_default=False)],
    json: Json = False,
) -> None:
    """Check a YAML file of your own, and the network that it builds."""
    from autonas.cli.listings import check_space

    check_space(file, json=json)


def benchmark(context: typer.Context) -> None:
    """Repeat the measurements of docs/benchmarks.md."""
    from autonas.cli.benchmark import benchmark as run_benchmark

    code = run_benchmark(context.args)
    if code:
        raise typer.Exit(code)
