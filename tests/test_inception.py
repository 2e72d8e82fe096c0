"""The Inception judge against PyTorch's, and the reader of PyTorch's files against `torch.save`.

`reference/inception_expected.py` made what is stored in `data/`.
"""

import hashlib
import io
import os
import pickle
import zipfile
from functools import partial
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import published
import pytest
from commands import typed
from scipy.ndimage import map_coordinates

from ganbench.errors import BadInput
from ganbench.judges import check, torch_weights
from ganbench.judges.inception import INCEPTION_SHA256, inception_judge, resized

DATA = Path(__file__).parent / "data"
STORED = np.load(DATA / "inception.npz")
SHA256 = str(STORED["sha256"])
SHAPES = {
    name.decode(): tuple(int(n) for n in shape if n)
    for name, shape in zip(STORED["names"], STORED["shapes"], strict=True)
}


@pytest.fixture(scope="module")
def weight_file(tmp_path_factory):
    """All 566 arrays of the published file's names and shapes, in its format, of random numbers."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    path.write_bytes(published.legacy(published.weights(SHAPES)))
    return path


def written(folder, content):
    """The path and the hash of a new file of `content`."""
    path = folder / "weights.pth"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def test_features_and_logits_are_those_of_pytorch_fid(weight_file):
    """To 1e-4 of their spread; about 1e-5 is float32's own over this depth."""
    judge = inception_judge(weight_file, SHA256)
    verdicts = [judge.judge(judge.weights, jnp.asarray(x)) for x in published.images()]
    features = np.concatenate([verdict.features for verdict in verdicts])
    log_p = np.concatenate([verdict.log_p for verdict in verdicts])
    expected, logits = STORED["features"], STORED["logits"]
    assert features.shape == (4, 2048) and log_p.shape == (4, 1, 1008)
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4 * expected.std())
    assert expected.std(axis=0).mean() > 0.1 * expected.std()  # they do depend on the image
    shifted = logits - np.log(np.sum(np.exp(logits.astype(float)), axis=-1, keepdims=True))
    np.testing.assert_allclose(log_p[:, 0], shifted, rtol=0, atol=1e-4 * logits.std())
    assert all(verdict.accepted.all() and verdict.accepted.shape == (2,) for verdict in verdicts)
    assert judge.hash == SHA256


@pytest.mark.parametrize("shape", [(7, 5, 3), (350, 400, 1), (299, 299, 1)])
def test_images_are_resized_about_half_pixel_centres(shape):
    """Against SciPy's interpolation at the points that the formula gives.

    400 pixels along, a point is known to 3e-5 of a pixel in float32.
    """
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    centres = [(np.arange(299) + 0.5) * n / 299 - 0.5 for n in shape[:2]]
    points = np.meshgrid(*centres, indexing="ij")
    planes = [
        map_coordinates(plane, points, order=1, mode="nearest") for plane in x.T.swapaxes(1, 2)
    ]
    wanted = np.broadcast_to(np.stack(planes, axis=-1), (299, 299, 3))
    np.testing.assert_allclose(resized(jnp.asarray(x[None]))[0], wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 32, 32, 4), (32, 32, 3)])
def test_other_images_are_refused(shape):
    with pytest.raises(BadInput, match="must be .batch, height, width, 1 or 3., not "):
        resized(jnp.zeros(shape))


@pytest.mark.parametrize("name", ["torch-legacy.pth", "torch-archive.pth"])
def test_what_torch_save_wrote_is_read(name):
    path = DATA / name
    arrays = torch_weights.load(path, hashlib.sha256(path.read_bytes()).hexdigest(), "here")
    assert list(arrays) == ["transposed", "rest", "count"]
    np.testing.assert_array_equal(arrays["transposed"], np.arange(6).reshape(2, 3).T)
    np.testing.assert_array_equal(arrays["rest"], np.arange(6, 12))
    assert arrays["count"] == 7 and arrays["count"].shape == ()
    assert [a.dtype.name for a in arrays.values()] == ["float32", "float32", "int64"]


class Exploding:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def archive(table, **members):
    """A file in the newer format: `table` pickled, and members by their names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name, member in {"data.pkl": table, **members}.items():
            made.writestr(f"weights/{name}", member)
    return content.getvalue()


@pytest.mark.parametrize("wrapped", [bytes, archive])
def test_nothing_that_a_file_names_is_run(tmp_path, wrapped):
    ran = tmp_path / "ran"
    path, found = written(tmp_path, wrapped(pickle.dumps(Exploding(ran))))
    with pytest.raises(BadInput) as error:
        inception_judge(path)  # its hash is looked at first
    assert str(error.value).startswith(f"{path}: SHA-256 is {found}, must be {INCEPTION_SHA256};")
    with pytest.raises(BadInput) as error:
        inception_judge(path, found)
    named = f"names {os.mkdir.__module__}.mkdir, which is not allowed"
    assert str(error.value) == f"{path}: not a weight file of PyTorch: {named}"
    assert not ran.exists()
    pickle.loads(pickle.dumps(Exploding(ran)))
    assert ran.exists()  # as it would have been


ONE = {"a": np.ones((2, 3), np.float32)}
SMALL = {name: np.zeros(1, np.float32) for name in SHAPES}
WHOLE = {"Conv2d_1a_3x3.bn.running_mean": np.zeros(32, np.int64)}
VIEW = b"\x80\x02}X\x01\x00\x00\x00a" + published.tensor("0", ONE["a"]) + b"s."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a weight file of PyTorch: Ran out of input"),
        (b"PK\x03\x04", "not a weight file of PyTorch: File is not a zip file"),
        (pickle.dumps({"a": 1}), "it does not begin with PyTorch's magic number"),
        (published.legacy(ONE)[:-32], "storage 0 is not of 6 numbers"),
        (published.legacy(ONE)[:-1], "buffer is smaller than requested size"),
        (archive(pickle.dumps({"a": ONE})), "names numpy"),
        (archive(pickle.dumps({"a": {}})), "it does not hold a table of tensors"),
        (archive(VIEW), "There is no item named 'weights/data/0' in the archive"),
        (archive(VIEW, **{"data/0": bytes(20)}), "buffer is smaller than requested size"),
        (archive(VIEW, byteorder="big"), "its numbers are not little-endian"),
        (
            archive(VIEW.replace(published.integers([3, 1]), published.integers([3, 2]))),
            "a tensor of shape (2, 3) is not inside its storage",
        ),
        (published.legacy(ONE), "array Conv2d_1a_3x3.bn.bias is missing (471 in all)"),
        (published.legacy(SMALL | ONE), "array a is unknown (1 in all)"),
        (published.legacy(SMALL), "running_mean is float32 (1,), must be float32 (32,)"),
        (published.legacy(SMALL | WHOLE), "running_mean is int64 (32,), must be float32 (32,)"),
    ],
)
def test_each_wrong_file_is_one_line(tmp_path, content, message):
    path, found = written(tmp_path, content)
    with pytest.raises(BadInput) as error:
        inception_judge(path, found)
    assert message in str(error.value) and str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_the_command_says_what_a_file_holds(weight_file, monkeypatch, capsys):
    monkeypatch.setitem(check.JUDGES, "inception", partial(inception_judge, sha256=SHA256))
    assert typed(monkeypatch, "judge", "check", "inception", "--weights", str(weight_file)) == 0
    line = f"SHA-256 {SHA256}: 471 arrays, 2048 features, 1008 classes\n"
    assert capsys.readouterr() == (line, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "judge check inception --weights absent.pth",
            "absent.pth: cannot be read (No such file or directory); the file is "
            "pt_inception-2015-12-05-6726825d.pth of the pytorch-fid project",
        ),
        (
            "judge check digits --weights absent.pth",
            "judge: no weight file is known for 'digits'; known: inception",
        ),
        ("judge check inception", "Missing option '--weights'"),
        ("judge train inception", "judge: unknown name 'inception'; known: celeba"),
    ],
)
def test_the_command_says_what_is_wrong(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert typed(monkeypatch, *words.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1 and not any(tmp_path.iterdir())
