"""What `test_inception.py` holds the Inception judge to, made anew with PyTorch.

    pip install -e ".[reference]"
    python tests/reference/inception_expected.py

The public package pytorch-fid reads the random weights that `published.py` writes, and says what
features and logits a few images have, in float64. Beside them stand the names and shapes of
PyTorch's own table, and two small files that `torch.save` wrote. On the way: PyTorch reads the
test's file as it was written, and ganbench reads what PyTorch writes of the same weights, in both
formats. What is stored was made with torch 2.14.1, torchvision 0.29.1, pytorch-fid 0.3.0 and
NumPy 2.4.6 on x86-64.
"""

import hashlib
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytorch_fid.inception
import torch
import torchvision

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))
import published  # noqa: E402

from ganbench.judges import torch_weights  # noqa: E402

DATA = TESTS / "data"


def main() -> None:
    plain = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, init_weights=False)
    shapes = {name: tuple(a.shape) for name, a in plain.state_dict().items()}
    arrays = published.weights(shapes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        path.write_bytes(published.legacy(arrays))
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        read = torch.load(path, weights_only=True)
        same({name: a.numpy() for name, a in read.items()}, arrays)
        for archive in (False, True):
            torch.save(read, path, _use_new_zipfile_serialization=archive)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            same(torch_weights.load(path, digest, "made here"), arrays)
    features, logits = expected(read)
    np.savez_compressed(
        DATA / "inception.npz",
        names=np.array(list(shapes), "S"),
        shapes=np.array([(*shape, 0, 0, 0, 0)[:4] for shape in shapes.values()], np.int16),
        sha256=sha256,
        features=features.astype(np.float32),
        logits=logits.astype(np.float32),
    )
    small_files()


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    """Raises unless both hold the same arrays, to the bit, in the same order."""
    assert list(found) == list(wanted)
    for name, a in wanted.items():
        assert found[name].dtype == a.dtype and np.array_equal(found[name], a), name


def expected(table: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Features (4, 2048) and logits (4, 1008), without the bias, of `published.images()`."""
    pytorch_fid.inception.load_state_dict_from_url = lambda url, progress: table  # no download
    net = pytorch_fid.inception.InceptionV3().double().eval()
    features = []
    for images in published.images():
        x = (torch.from_numpy(images).double().permute(0, 3, 1, 2) + 1) / 2  # the package's range
        with torch.no_grad():
            features.append(net(x)[0][:, :, 0, 0])
    together = torch.cat(features)
    return together.numpy(), (together @ table["fc.weight"].double().T).numpy()


def small_files() -> None:
    """Views of one storage, transposed and with an offset, and a number, in both formats."""
    row = torch.arange(12, dtype=torch.float32)
    table = {"transposed": row[:6].reshape(2, 3).T, "rest": row[6:], "count": torch.tensor(7)}
    for name, archive in (("legacy", False), ("archive", True)):
        path = DATA / f"torch-{name}.pth"
        torch.save(table, path, _use_new_zipfile_serialization=archive)


if __name__ == "__main__":
    main()
