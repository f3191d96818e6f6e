"""The examples run as a user runs them, and reach what examples/README.md promises."""

import gzip
import importlib.util
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PICTURES = {
    "linear_regression": ["linear_regression.png"],
    "nonlinear_regression": ["nonlinear_regression.png"],
    "himmelblau": ["himmelblau.png"],
    "softmax_regression": ["softmax_confusion.png", "softmax_weights.png"],
    "digits_mlp": ["digits_learning_curve.png", "digits_misread.png"],
    "digits_vae": ["digits_vae_codes.png", "digits_vae_samples.png"],
    "lenet_digits": ["lenet_filters.png", "lenet_hardest.png", "lenet_learning_curve.png"],
    "textures_resnet": ["textures.png"],
    "conv_autoencoder": ["conv_autoencoder.png", "conv_autoencoder_walks.png"],
    "mobilenet_v2": ["mobilenet_v2.png"],
    "inception_v3": ["inception_v3.png"],
    "seq2seq_attention": ["seq2seq_attention.png"],
    "transformer": ["transformer.png"],
    "kmeans": ["kmeans_digits.png", "kmeans_plane.png"],
    "mandelbrot": ["mandelbrot.png"],
    "sine_lstm": ["sine_lstm.png"],
    "char_language_model": ["char_language_model.png"],
    "word2vec": ["word2vec.png"],
    "resume_training": ["resume_training.png"],
}
EVEN_QUICK = {  # what the shortest run says, too
    "mobilenet_v2": ("3,504,872 parameters and 34,112", "killed after step 7", "equal bit for bit"),
    "inception_v3": ("23,817,352 parameters and 34,432", "resumed at step 5", "equal bit for bit"),
}


def _run(name: str, *options: str) -> str:
    """What the example prints."""
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), *options],
        cwd=EXAMPLES.parent,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def _environment() -> dict[str, str]:
    """This process's, with the checkout importable where it is not installed."""
    paths = [str(EXAMPLES.parent), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested() -> None:
    """A new example needs its line here."""
    assert sorted(PICTURES) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


def test_readme_shows_every_picture() -> None:
    """Each picture that an example draws stands in the folder, and in the page."""
    page = (EXAMPLES / "README.md").read_text()
    drawn = sorted(picture for pictures in PICTURES.values() for picture in pictures)
    assert sorted(path.name for path in (EXAMPLES / "pictures").iterdir()) == drawn
    assert all(f"(pictures/{picture})" in page for picture in drawn)


@pytest.mark.parametrize("name", PICTURES)
def test_quick_run_draws_its_pictures(name: str, tmp_path: Path) -> None:
    """--quick ends well and leaves PNG files of some size."""
    said = _run(name, "--quick", "--out", str(tmp_path))
    assert all(text in said for text in EVEN_QUICK.get(name, ()))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PICTURES[name])
    for path in tmp_path.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000


@pytest.mark.parametrize("name", PICTURES)
def test_help_tells_the_options(name: str) -> None:
    text = _run(name, "--help")
    assert all(option in text for option in ("--steps", "--quick", "--out"))


def test_linear_regression_finds_the_least_squares_line(tmp_path: Path) -> None:
    text = _run("linear_regression", "--out", str(tmp_path))
    assert "gradient descent: y = 0.2516 x + 0.7988" in text


def test_himmelblau_walks_end_in_minima(tmp_path: Path) -> None:
    """Every walk, by either optimizer, within 0.001."""
    text = _run("himmelblau", "--out", str(tmp_path))
    distances = [float(number) for number in re.findall(r"(\S+) from a minimum", text)]
    assert len(distances) == 10
    assert max(distances) < 1e-3


def test_digits_reach_the_documented_accuracy(tmp_path: Path) -> None:
    text = _run("digits_mlp", "--out", str(tmp_path))
    accuracy = float(re.findall(r"test accuracy: ([\d.]+)%", text)[0])
    assert accuracy >= 96


def test_nonlinear_regression_finds_the_parabola(tmp_path: Path) -> None:
    text = _run("nonlinear_regression", "--out", str(tmp_path))
    assert float(re.findall(r"is ([\d.]+) off", text)[0]) < 0.01


def test_softmax_regression_reaches_the_documented_accuracy(tmp_path: Path) -> None:
    text = _run("softmax_regression", "--out", str(tmp_path))
    assert float(re.findall(r"test accuracy: ([\d.]+)%", text)[0]) >= 96


def test_the_autoencoder_reaches_the_documented_bound(tmp_path: Path) -> None:
    text = _run("digits_vae", "--out", str(tmp_path))
    assert float(re.findall(r"test digits: (\S+) nats", text)[0]) >= -25


def test_lenet_reaches_the_documented_accuracy(tmp_path: Path) -> None:
    text = _run("lenet_digits", "--out", str(tmp_path))
    assert float(re.findall(r"test accuracy: ([\d.]+)%", text)[0]) >= 98


def test_the_residual_network_reaches_the_documented_accuracy(tmp_path: Path) -> None:
    text = _run("textures_resnet", "--out", str(tmp_path))
    assert float(re.findall(r"test accuracy: ([\d.]+)%", text)[0]) >= 96


def test_the_convolutional_autoencoder_reaches_the_documented_error(tmp_path: Path) -> None:
    text = _run("conv_autoencoder", "--out", str(tmp_path))
    assert float(re.findall(r"pixels: (\S+)", text)[0]) <= 0.12


def test_attention_reads_unseen_dates(tmp_path: Path) -> None:
    """After five eighths of the steps."""
    text = _run("seq2seq_attention", "--steps", "500", "--out", str(tmp_path))
    shares = [float(number) for number in re.findall(r"([\d.]+)% right", text)]
    assert len(shares) == 2 and min(shares) >= 99.5


def test_the_transformer_reads_unseen_dates(tmp_path: Path) -> None:
    """After two thirds of the steps."""
    text = _run("transformer", "--steps", "1000", "--out", str(tmp_path))
    assert float(re.findall(r"([\d.]+)% right", text)[0]) >= 98.5


def test_clusters_are_those_of_scikit_learn(tmp_path: Path) -> None:
    text = _run("kmeans", "--out", str(tmp_path))
    assert float(re.findall(r"leaves (\S+)", text)[0]) <= 1166000
    assert int(re.findall(r"by scikit-learn: (\d+)", text)[0]) <= 10


def test_while_loops_count_as_numpy_does(tmp_path: Path) -> None:
    text = _run("mandelbrot", "--steps", "300", "--out", str(tmp_path))
    shares = [float(number) for number in re.findall(r"([\d.]+)% of the pixels equal", text)]
    assert len(shares) == 2 and min(shares) >= 99.9


def test_a_last_layer_learns_new_kinds(tmp_path: Path) -> None:
    """After a fifth of the base's training; the whole of it reaches what is documented."""
    text = _run("mobilenet_v2", "--steps", "250", "--out", str(tmp_path))
    assert float(re.findall(r"test accuracy: ([\d.]+)%", text)[0]) >= 60
    assert "equal bit for bit" in text


def test_the_wave_goes_on_as_documented(tmp_path: Path) -> None:
    text = _run("sine_lstm", "--out", str(tmp_path))
    assert float(re.findall(r"alone, RMSE: (\S+)", text)[0]) <= 0.05


def test_the_language_model_beats_counts_of_characters(tmp_path: Path) -> None:
    """After a quarter of its steps; all of them reach what is documented."""
    text = _run("char_language_model", "--steps", "600", "--out", str(tmp_path))
    counts = float(re.findall(r"counts of 3 characters: (\S+)", text)[0])
    assert float(re.findall(r"held-out text: (\S+)", text)[0]) < counts - 0.2
    assert text.count("--- written at temperature") == 2


def test_words_are_near_those_that_they_belong_to(tmp_path: Path) -> None:
    text = _run("word2vec", "--out", str(tmp_path))
    assert int(re.findall(r"(\d+) of \d+ pairs of words", text)[0]) >= 14


def test_texts_of_ones_own_are_read(tmp_path: Path) -> None:
    """One that is too short says so."""
    path = tmp_path / "text"
    path.write_text("It is what it is. " * 5000)
    text = _run("char_language_model", "--text", str(path), "--quick", "--out", str(tmp_path))
    assert "81,000 characters of 9 kinds, 9,000 held out" in text
    with pytest.raises(SystemExit, match="too short"):
        _module("char_language_model").in_windows(np.zeros(2048, np.int32))
    path.write_text("a word")
    with pytest.raises(AssertionError, match="too short: it has not even 512 pairs"):
        _run("word2vec", "--text", str(path), "--out", str(tmp_path))


def test_a_killed_run_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    text = _run("resume_training", "--steps", "400", "--out", str(tmp_path))
    assert "killed after step 249" in text and "resumed at step 200" in text
    assert "equal bit for bit" in text


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def _write_mnist(folder: Path) -> None:
    """MNIST's four files with a few random images, two of them gzipped."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 131), ("t10k", 17)):
        images = rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(_idx(labels))


def test_mnist_files_are_read_where_the_user_points(tmp_path: Path) -> None:
    """Raw and gzipped files, images scaled to 0..1, labels as they are."""
    _write_mnist(tmp_path)
    digits = _module("digits_mlp").read_mnist(tmp_path)
    assert digits.train_images.shape == (131, 784) and digits.test_images.shape == (17, 784)
    assert digits.train_images.dtype == np.float32 and digits.train_labels.dtype == np.int32
    assert digits.train_images.max() == 1.0
    for name in ("digits_mlp", "lenet_digits"):
        text = _run(name, "--mnist", str(tmp_path), "--steps", "3", "--out", str(tmp_path))
        assert "of 17 digits misread" in text


def test_absent_mnist_files_are_named() -> None:
    """No silent stand-in: the message says which file is missing and what to do."""
    with pytest.raises(FileNotFoundError, match="neither train-images-idx3-ubyte nor"):
        _module("digits_mlp").read_mnist(Path("/nowhere"))


@pytest.mark.parametrize("keep", [0, 3, 12, 1000])
def test_a_damaged_mnist_file_is_refused(tmp_path: Path, keep: int) -> None:
    """A header cut short, or a length that does not fit it, raises before an array is made."""
    _write_mnist(tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes((path.read_bytes() * 9)[:keep])
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte"):
        _module("digits_mlp").read_mnist(tmp_path)
