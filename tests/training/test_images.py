"""Images of every form become the same array; what cannot be read is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autonas.training.data import fingerprint
from autonas.training.image_preprocessing import ImagePreprocessor
from autonas.training.images import Images, ImageSchema, is_images, resize

GREY = np.random.default_rng(0).integers(0, 256, (5, 9, 7), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 9, 7, 3), dtype=np.uint8)


def read(X, **changes):
    return ImageSchema().fit(X).transform(X).pixels


def files(folder, images, ending="png"):
    paths = [folder / f"{i}.{ending}" for i in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


# ------------------------------------------------------------------------------------------------- the forms


def test_what_images_are(tmp_path):
    one = Image.fromarray(GREY[0])
    for X in (GREY, COLOUR, torch.zeros(2, 3, 4, 4), [one], ["a.png"], [tmp_path], pd.Series(["a", "b"])):
        assert is_images(X)
    for X in (np.array(["a", "b"]), np.array([tmp_path], dtype=object), [GREY[0]], list(torch.zeros(2, 4, 4))):
        assert is_images(X)
    for X in (GREY[0], [[1, 2]], [1, 2], pd.DataFrame({"a": ["x"]}), np.zeros((2, 2, 2, 2, 2)), "a.png", [], None, 3):
        assert not is_images(X)


def test_grey_arrays():
    expected = GREY[:, None]
    for X in (GREY, GREY[..., None], GREY[:, None], torch.from_numpy(GREY), [*GREY], GREY.copy(order="F")):
        np.testing.assert_array_equal(read(X), expected)
        assert read(X).dtype == np.uint8


def test_colour_arrays():
    expected = np.moveaxis(COLOUR, 3, 1)
    for X in (COLOUR, expected, torch.from_numpy(expected.copy()), [*COLOUR], [*expected]):
        np.testing.assert_array_equal(read(X), expected)
        assert read(X).flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int16, np.uint16])
def test_other_numbers_become_float32(dtype):
    pixels = read(GREY.astype(dtype))
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[:, 0], GREY)


def test_truth_values_are_numbers():
    assert set(np.unique(read(GREY > 100))) == {0.0, 1.0}


def test_an_ambiguous_shape_is_decided_by_the_rule():
    X = np.random.default_rng(0).integers(0, 9, (2, 3, 5, 4), dtype=np.uint8)
    assert read(X).shape == (2, 4, 3, 5)
    assert read(torch.from_numpy(X)).shape == (2, 3, 5, 4)
    # A new image is read as those in training were.
    first = ImageSchema().fit(torch.from_numpy(X))
    np.testing.assert_array_equal(first.transform(X).pixels, X)


def test_files_and_images_of_pil(tmp_path):
    paths = files(tmp_path, COLOUR)
    expected = np.moveaxis(COLOUR, 3, 1)
    for X in (
        paths,
        [str(p) for p in paths],
        np.array(paths, dtype=object),
        np.array([str(p) for p in paths]),
        pd.Series([str(p) for p in paths]),
        [Image.open(p).copy() for p in paths],
        [paths[0], Image.fromarray(COLOUR[1]), *COLOUR[2:]],
    ):
        np.testing.assert_array_equal(read(X), expected)


def test_grey_files_are_grey_unless_one_is_not(tmp_path):
    grey, colour = files(tmp_path, GREY), Image.fromarray(COLOUR[0])
    np.testing.assert_array_equal(read(grey), GREY[:, None])
    mixed = read([*grey, colour])
    assert mixed.shape == (6, 3, 9, 7)
    np.testing.assert_array_equal(mixed[:5], np.repeat(GREY[:, None], 3, axis=1))
    # In a grey task a colour file is turned grey.
    assert ImageSchema().fit(grey).transform([colour]).pixels.shape == (1, 1, 9, 7)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("RGBA", 3), ("P", 3), ("CMYK", 3)])
def test_modes_of_pil(mode, channels):
    image = Image.fromarray(COLOUR[0]).convert("L" if mode in {"1", "LA"} else "RGB").convert(mode)
    pixels = read([image, image])
    assert pixels.shape == (2, channels, 9, 7)
    assert pixels.dtype == np.uint8


def test_sixteen_bits_are_kept(tmp_path):
    deep = (GREY.astype(np.uint16) << 8) + 1
    pixels = read(files(tmp_path, deep, "tiff"))
    assert pixels.dtype == np.float32
    np.testing.assert_array_equal(pixels[:, 0], deep)


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter to the right
    Image.fromarray(COLOUR[0]).save(tmp_path / "turned.png", exif=exif)
    pixels = read([tmp_path / "turned.png"] * 2)
    np.testing.assert_array_equal(pixels[0], np.moveaxis(np.rot90(COLOUR[0], -1), 2, 0))


# -------------------------------------------------------------------------------------------------- the size


def test_images_of_different_sizes_get_the_median_size():
    sizes = [(10, 20), (12, 40), (30, 30)]
    X = [Image.fromarray(np.full((h, w), 7 * h, np.uint8)) for h, w in sizes]
    pixels = read(X)
    assert pixels.shape == (3, 1, 12, 30)
    assert [np.unique(p).tolist() for p in pixels] == [[70], [84], [210]]


def test_large_files_are_shrunk_but_arrays_are_not():
    large = np.zeros((2, 300, 600), np.uint8)
    assert read([*large]).shape == (2, 1, 64, 128)
    assert read(large).shape == (2, 1, 300, 600)


def test_new_images_are_brought_to_the_size():
    schema = ImageSchema().fit(COLOUR)
    for size in ((18, 14), (3, 3), (9, 7)):
        flat = np.full((2, *size, 3), 9, np.uint8)
        np.testing.assert_array_equal(schema.transform(flat).pixels, np.full((2, 3, 9, 7), 9))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))
def test_resizing_keeps_the_mean_of_a_whole_multiple_and_the_range(height, width, seed):
    rng = np.random.default_rng(seed)
    small = rng.normal(size=(2, 1, height, width)).astype(np.float32)
    large = resize(small, 3 * height, 2 * width)
    assert large.min() >= small.min() - 1e-5
    assert large.max() <= small.max() + 1e-5
    again = resize(np.repeat(np.repeat(small, 4, axis=2), 4, axis=3), height, width)
    assert again.min() >= small.min() - 1e-5
    assert again.max() <= small.max() + 1e-5


# ------------------------------------------------------------------------------------------------ the errors


def test_another_number_of_channels():
    with pytest.raises(ValueError, match=r"X has 1 channel \(grey\), but in fit it was 3 channels \(colour\)"):
        ImageSchema().fit(COLOUR).transform(GREY)
    with pytest.raises(ValueError, match=r"X has 3 channels \(colour\), but in fit it was 1 channel \(grey\)"):
        ImageSchema().fit(GREY).transform(COLOUR)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_pixels_that_are_no_numbers(bad):
    X = GREY.astype(np.float64)
    X[3, 2, 1] = bad
    with pytest.raises(ValueError, match=r"X has pixels that are NaN, infinite or too large .*\(image 3\)"):
        read(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 5, 5, 2)), r"images of shape \(5, 5, 2\), which is neither .* 1, 3 or 4 channels"),
        (np.zeros((0, 5, 5)), r"X has no pixels \(shape=\(0, 5, 5\)\)"),
        (np.zeros((2, 0, 5)), "X has no pixels"),
        (np.zeros((2, 5, 5), complex), "array of complex128; pixels must be real numbers"),
        (np.full((2, 5, 5), "a"), "pixels must be real numbers"),
        ([np.zeros((5, 5)), np.zeros(5)], r"X\[1\] is a ndarray, which is no image"),
        ([np.zeros((5, 5)), None], r"X\[1\] is a NoneType, which is no image"),
    ],
)
def test_wrong_images(X, message):
    with pytest.raises(ValueError, match=message):
        read(X)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"X\[0\] = 'cat.png' is no file.*a table needs two axes"):
        read(["cat.png"])
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(ValueError, match=r"X\[0\] = '.*text.png' cannot be read as an image"):
        read([tmp_path / "text.png"])
    path = files(tmp_path, COLOUR[:1])[0]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"X\[0\] = '.*0.png' cannot be read as an image"):
        read([path])


# -------------------------------------------------------------------------------------------- what comes after


def test_read_only_memory_can_be_read():
    X = GREY.copy()
    X.flags.writeable = False
    assert read(X).flags.writeable


def test_taking_and_the_fingerprint():
    images = Images(read(COLOUR))
    taken = images.take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.pixels, images.pixels[[2, 0]])
    y, weight = np.zeros(5), np.ones(5)
    same, other = Images(images.pixels.copy()), Images(images.pixels.astype(np.float32))
    assert fingerprint(images, y, weight) == fingerprint(same, y, weight)
    assert fingerprint(images, y, weight) != fingerprint(other, y, weight)
    other.pixels[0, 0, 0, 0] += 1
    assert fingerprint(images, y, weight) != fingerprint(other, y, weight)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_statistics_are_by_channel(dtype):
    images = Images(read(COLOUR.astype(dtype)))
    spec = ImagePreprocessor({}).fit(images).input_spec
    assert (spec.channels, spec.height, spec.width) == (3, 9, 7)
    np.testing.assert_allclose(spec.mean, COLOUR.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(spec.std, COLOUR.std(axis=(0, 1, 2)))


def test_a_channel_that_never_changes_has_deviation_one():
    assert ImagePreprocessor({}).fit(Images(np.full((3, 1, 4, 4), 5, np.uint8))).input_spec.std == (1.0,)


@pytest.mark.parametrize(("size", "expected"), [(20, (20, 10)), (39, (39, 20)), (40, (40, 20)), (64, (40, 20))])
def test_the_size_of_a_configuration(size, expected):
    images = Images(np.zeros((2, 1, 40, 20), np.uint8))
    preprocessor = ImagePreprocessor({"image_size": size}).fit(images)
    features = preprocessor.transform(images)
    assert features.numeric.shape == (2, 1, *expected)
    assert features.numeric.dtype == np.uint8
    assert features.categorical.shape == (2, 0)
    assert (preprocessor.input_spec.height, preprocessor.input_spec.width) == expected
