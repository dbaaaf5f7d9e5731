"""What the docstrings of both estimators say of their parameters and attributes."""

__all__ = ["PARAMETERS", "TUNE_THRESHOLD"]

PARAMETERS = """
    Parameters
    ----------
    optimizer : str or (sampler, schedule), default="bohb"
        A name of ``autonas.OPTIMIZERS`` ("bohb", "auto", "smac", "tpe", "evolution", ...), or a pair of names or
        objects, for example ``("tpe", "asha")``.
    pipeline : str or Path, default="auto"
        A preset in ``pipelines/``, or the path of one. "auto": "image" for images, and "tabular" for all else, networks
        only; "tabular_mixed" has forests, boosted trees and a linear model beside them, and the leaderboard tells which
        is which.
    search_space : optional
        Narrows or replaces the preset's space. A dictionary narrows: ``{{"learning_rate": (1e-4, 1e-2), "network":
        ["mlp"], "batch_size": 128}}``; ``network`` may name families that the preset leaves out. A name, a
        path, a ``NetworkFamily``, or a list of these: the network families to search. A ``ConfigurationSpace``: the
        joint space itself.
    one_shot : str or OneShot, optional
        The two-stage mode: first a quarter of the time finds cells by weight sharing ("darts_pt", "darts", "gdas",
        "random_sharing", ...: ``autonas.one_shot.STRATEGIES``), then ``optimizer`` tunes all the rest with the three
        best cells, and the family's default one, to choose from. ``OneShot(...)`` sets more. The family is the
        preset's, or the first family of cells in ``search_space``; validation is by default a holdout.
    objectives : list of str, optional
        What is to be small beside the loss: "n_parameters" of a network, "multiply_adds" of predicting a row, "latency"
        (milliseconds in which 1,000 rows are predicted, measured where it trains). The search then looks for the whole
        front of trials that are beaten in none, from the default and four smaller ones of its kind on, and
        ``get_pareto_front()`` gives a fitted estimator for each; ``predict`` stays the ensemble with the smallest loss.
    time_limit : float or None, default=300
        Seconds for all of ``fit``. None: no limit, then ``n_trials`` is needed.
    n_trials : int, optional
        Configurations at most.
    min_epochs, max_epochs : int, optional
        Epochs that the first rung gets, and the last. By default chosen from the number of rows and the time limit; of
        images so that the default network is trained to the end in a fifth to three fifths of it; with ``one_shot`` so
        that the best cell and the default one are in nine tenths of the time that stage one left, as measured. 81 at
        most. With ``objectives`` there are a third as many, since a front takes many trainings.
    metric : str or scorer, optional
        What guides search and ensemble: a name of a scorer of scikit-learn, "log_loss", "rmse", "mae", or a scorer.
        Default: {metric}. ``score`` stays scikit-learn's.
{more}    validation : {{"auto", "holdout", "cv"}}, int or splitter, default="auto"
        "auto": five folds below 2,500 rows, with a time limit below 55 rows a second of it and 10,000 in all, if the
        data have a million cells at most; else, and above 2,500 rows with ``objectives``, a fifth is held out.
    train_on_all : {{"auto", True, False}}, default="auto"
        After the search, in at most a fifth of the time, each member of the ensemble is trained anew on all rows, those
        that judged it among these, as one network in place of one a fold, for the epochs that were best; one for which
        there is no time stays as the search left it, which goes on for longer where none would fit. All scores stay
        those of the search. "auto": for tables, without ``objectives``; but folds of fewer than 1,000 rows keep their
        networks, whose mean is steadier, and one training on images can take most of the time.
    ensemble_size : int, optional
        Members of the ensemble at most; 1: the single best configuration. Default: the preset's.
    initial_configurations : list of dict, optional
        Tried first, after the preset's tuned default.
    portfolio : str, Path or None, default="default"
        Configurations that did well on other data sets, tried next, those of similar data sets first. "default": the
        preset's; else a name in ``pipelines/portfolios/``, or the path of a file like those; None: none. Those that
        ``search_space`` does not allow are left out. With ``objectives`` "default" is none: the preset's was learnt for
        the loss alone.
    device : str, default="auto"
        "cpu", "cuda", ...; "auto" takes a GPU where there is one.
    run_dir : str or Path, optional
        Where the run lives. With the same data and settings, an unfinished run there goes on, and a finished one when
        it is given more time or trials. Default: a temporary folder that goes with the estimator.
    resume : bool, default=True
        False: a ``run_dir`` that holds a run already is an error.
    storage : str, optional
        An Optuna storage URL for the history. Default: SQLite in ``run_dir``.
    n_jobs : int, default=1
        1: trials run in threads of this process, as many as torch may use. More: so many worker processes; -1: as many
        as there are cores. A trial that takes its process down ends alone, with its cause in ``failures()``. Each
        trial is deterministic given its configuration and seed; which are tried then follows from how long each takes.
    client : dask.distributed.Client, optional
        Trials run on its cluster, as many as its workers have threads; see ``docs/scaling.md``.
    trial_time_limit : float, optional
        Seconds that a piece of a trial may take, after which it has failed. Trials then run in worker processes, also
        with ``n_jobs=1``.
    trial_memory_limit : float, optional
        MiB that a trial may take, beyond what its worker process takes anyway; a trial that needs more has failed.
        Trials then run in worker processes, also with ``n_jobs=1``.
    callbacks : list of callable, optional
        ``callback(history, trial, result)``, called after each result; a true return value ends the search.
    verbose : int, default=0
        0: nothing is printed. 1: on a terminal a panel that shows how the search stands, in a notebook one line at its
        end, elsewhere a line whenever the best improves. 2: a line for every result.
    random_state : int, RandomState or None, default=None
        Makes the run reproducible (with ``n_trials`` as its limit; time is not reproducible).

    Attributes
    ----------
    best_params_ : dict
        The configuration with the best validation score.
    best_configuration_ : ConfigSpace.Configuration
        The same.
    best_score_ : float
        Its validation score: the value of the metric's scorer, greater is better.
    configuration_space_ : ConfigSpace.ConfigurationSpace
        What was searched.
    history_ : RunHistory
        All trials; ``history_.study`` is an Optuna study.
    cv_results_ : dict of arrays
        In the manner of scikit-learn's searches: ``params``, ``mean_test_score``, ``rank_test_score``, ...
    one_shot_ : OneShotResult
        Only with ``one_shot``: the cells found, the record of stage one, and how they compare to random ones.
    run_dir_ : Path
        Where the run lives.
    n_features_in_ : int
        Only when ``X`` is a table.
    feature_names_in_ : ndarray of str
        Only when ``X`` has column names that are strings.
"""

TUNE_THRESHOLD = """    tune_threshold : bool, default=False
        True: ``predict`` gives a row not its most probable class but the one that makes ``metric``, which must then be
        one that judges decisions ("balanced_accuracy", "f1", ...), best on the validation rows. ``predict_proba`` does
        not change. Of two classes, the second one is predicted above the probability ``threshold_``.
"""
