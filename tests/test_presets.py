"""Presets: every pipeline composes a sound space, and wrong files are explained."""

import pytest
import yaml
from ConfigSpace import ConfigurationSpace, Constant

from autonas.presets import load_preset
from autonas.spaces import NetworkFamily, available, configuration_from, split_by_role, values

GOOD = {"preprocessing": "tabular_preprocessing", "networks": ["mlp", "resnet"], "training": "training"}


def write(folder, **changes):
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    return path


@pytest.mark.parametrize("name", sorted(available("pipelines")))
def test_every_shipped_pipeline_is_sound(name):
    preset = load_preset(name)
    space = preset.space()
    assert preset.name == space.name == name
    default = space.get_default_configuration()
    assert configuration_from(space, {}) == default
    space.seed(0)
    for configuration in space.sample_configuration(200):
        v = values(configuration)
        assert values(configuration_from(space, v)) == v
    assert set(split_by_role(space)) == {"architecture", "preprocessing", "training"}


def test_families_and_choices_narrow_the_space():
    preset = load_preset("tabular")
    space = preset.space(["resnet"], {"n_blocks": (1, 2), "learning_rate": (1e-4, 1e-3)})
    assert isinstance(space["network"], Constant)
    assert space["resnet:n_blocks"].upper == 2
    assert space["learning_rate"].default_value == 1e-3
    own = NetworkFamily("own", ConfigurationSpace({"x": (0, 3)}))
    assert set(preset.space([own, "mlp"])["network"].choices) == {"own", "mlp"}
    with pytest.raises(ValueError, match="Unknown search space 'mpl'; did you mean 'mlp'"):
        preset.space(["mpl"])


def test_a_preset_of_ones_own(tmp_path):
    (tmp_path / "net.yaml").write_text(
        yaml.safe_dump({"hyperparameters": [{"name": "n", "type": "uniform_int", "lower": 1, "upper": 9}]})
    )
    path = write(
        tmp_path,
        networks=["net.yaml", "mlp"],
        defaults={"net:n": 7, "mlp:n_layers": 2, "learning_rate": 1.0e-3},
        validation=5,
        ensemble_size=4,
    )
    preset = load_preset(path)
    assert (preset.name, preset.validation, preset.ensemble_size) == ("mine", 5, 4)
    space = preset.space()
    assert space["net:n"].default_value == 7
    assert space["mlp:n_layers"].default_value == 2
    assert space["learning_rate"].default_value == 1e-3
    # What the preset says of a network that is not used is left aside.
    assert "net:n" not in preset.space(["mlp"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": ["mlp"]}, "Unknown key 'network'; did you mean 'networks'"),
        ({"networks": "mlp"}, r"'networks' is 'mlp', but must be a list of names or paths: \[mlp, resnet\]"),
        ({"networks": []}, "must be a list"),
        ({"networks": [1]}, "'networks' has 1, but must name a search space"),
        ({"training": None}, "'training' has None, but must name a search space"),
        ({"defaults": [1]}, "'defaults' is .1., but must be a mapping"),
        ({"ensemble_size": 0}, "'ensemble_size' is 0, but must be an integer of 1 or more"),
        (
            {"validation": "kfold"},
            "'validation' is 'kfold', but must be 'auto', 'holdout', 'cv' or 2 or more folds",
        ),
        ({"validation": 1}, "'validation' is 1"),
    ],
)
def test_a_wrong_file_is_explained(changes, message, tmp_path):
    path = write(tmp_path, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        load_preset(path)
    assert str(path) in str(caught.value)


def test_wrong_defaults_are_explained(tmp_path):
    with pytest.raises(ValueError, match="Unknown hyperparameter 'learning_rat'; did you mean 'learning_rate'"):
        load_preset(write(tmp_path, defaults={"learning_rat": 1})).space()


def test_unknown_and_missing(tmp_path):
    with pytest.raises(ValueError, match="Unknown pipeline 'tabluar'; did you mean 'tabular'"):
        load_preset("tabluar")
    with pytest.raises(FileNotFoundError):
        load_preset(tmp_path / "none.yaml")
    path = tmp_path / "short.yaml"
    path.write_text("networks: [mlp]\ntraining: training\n")
    with pytest.raises(ValueError, match="the key 'preprocessing' is missing"):
        load_preset(path)
