"""The judge of photographs: the Inception net that the Frechet inception distance is defined by.

Its weights, 95.6 MB, are not part of ganbench: they are read from the published file.
"""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.lax import Precision

from ganbench.errors import BadInput
from ganbench.judges import torch_weights
from ganbench.judges.inception_net import InceptionV3
from ganbench.tasks.base import Judge, Verdict

SIDE = 299  # of the images that the net reads
PUBLISHED = "pt_inception-2015-12-05-6726825d.pth of the pytorch-fid project"
# The file's name has the first eight digits; all are, of many places, in docs/image-fid.md of the
# project HyperGAN, where the file has the name that the project torch-fidelity gives it.
INCEPTION_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

# Flax's name of an array -> the file's
NAMES = {
    "kernel": "weight",
    "scale": "weight",
    "bias": "bias",
    "mean": "running_mean",
    "var": "running_var",
}
UNUSED = ("num_batches_tracked", "fc.bias")  # how names end that the file has and the judge not
NET = InceptionV3()


def inception_judge(path: Path, sha256: str = INCEPTION_SHA256) -> Judge:
    """The FID Inception-v3 with published weights; what it says is `judge_inception`'s to tell.

    The file is `PUBLISHED`, a port of the TensorFlow graph `inception-2015-12-05` that Heusel et
    al. take. It is read without PyTorch and without running anything in it; nothing is fetched.

    Args:
        path: the weight file.
        sha256: what it must hash to; the default is the published file's.

    Raises: BadInput, naming the file, when it cannot be read, when its hash is another, when it is
    no weight file of PyTorch, and when an array is missing, unknown or of another shape or type.
    """
    arrays = torch_weights.load(path, sha256, PUBLISHED)
    return Judge(judge_inception, _variables(path, arrays), sha256)


def judge_inception(weights: dict[str, Any], x: jax.Array) -> Verdict:
    """The verdict on images x, (batch, height, width, 1 or 3) in [-1, 1].

    Formula: features = the mean over the last 8 x 8 map, (batch, 2048), of x at 299 x 299;
    log p = log_softmax(W features), (batch, 1, 1008). W is the classifier's matrix without its
    bias, which the Inception Score's authors leave out, and so the published values do.
    Every image is accepted, for the net has no answer "none of them".

    Images are resized as pytorch-fid does, so scores are comparable with that project's. Two things
    differ from the TensorFlow graph, as they do there: pixels are read at half-pixel centres, and
    bytes lie in [-1, 1], where the graph takes (byte - 128) / 128. Samples are not rounded to bytes
    here; who compares with scores of image files must do that first.

    Blind to: what ImageNet's classes need not tell apart. Noise and digits get features and a
    class like any photograph.

    Raises: BadInput when x has other axes or another number of channels.

    References: Szegedy et al., Rethinking the Inception architecture for computer vision, CVPR
    2016, arXiv:1512.00567; Heusel et al., GANs trained by a two time-scale update rule converge to
    a local Nash equilibrium, NeurIPS 2017, arXiv:1706.08500; Salimans et al., Improved techniques
    for training GANs, NeurIPS 2016, arXiv:1606.03498.
    """
    features, logits = _applied(weights, resized(x))
    log_p = jax.nn.log_softmax(logits, axis=-1)[:, None]
    return Verdict(log_p, accepted=jnp.ones(len(x), bool), features=features)


def resized(x: jax.Array) -> jax.Array:
    """Images (batch, height, width, 1 or 3) as (batch, 299, 299, 3): bilinear, no antialiasing.

    Pixel i of the result is read at (i + 1/2) size / 299 - 1/2 of x, at the edge where that lies
    outside; grey is repeated over the channels.

    Raises: BadInput when x has other axes or another number of channels.
    """
    if x.ndim != 4 or x.shape[-1] not in (1, 3):
        raise BadInput(f"inception: images must be (batch, height, width, 1 or 3), not {x.shape}")
    shape = (len(x), SIDE, SIDE, x.shape[-1])
    x = jax.image.resize(x, shape, "bilinear", antialias=False, precision=Precision.HIGHEST)
    return jnp.broadcast_to(x, (*shape[:3], 3))


# compiled once whatever the images' size, when it is not part of a larger program
_applied = jax.jit(NET.apply)


def _variables(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The file's arrays as the net's variables: {"params", "batch_stats"}, float32."""
    image = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), np.float32)
    shapes = flatten_dict(jax.eval_shape(NET.init, jax.random.key(0), image))
    names = {key: ".".join((*key[1:-1], NAMES[key[-1]])) for key in shapes}
    found = {name: a for name, a in arrays.items() if not name.endswith(UNUSED)}
    for what, apart in (
        ("missing", set(names.values()) - found.keys()),
        ("unknown", found.keys() - set(names.values())),
    ):
        if apart:
            raise BadInput(f"{path}: array {min(apart)} is {what} ({len(apart)} in all)")
    made = {}
    for key, name in names.items():
        array, wanted = found[name], _their_order(np.broadcast_to(np.float32(0), shapes[key].shape))
        if (array.shape, array.dtype) != (wanted.shape, wanted.dtype):
            raise BadInput(
                f"{path}: {name} is {array.dtype} {array.shape}, "
                f"must be {wanted.dtype} {wanted.shape}"
            )
        made[key] = np.ascontiguousarray(_our_order(array))
    return unflatten_dict(made)


def _our_order(array: np.ndarray) -> np.ndarray:
    """A kernel's axes (out, in, height, width) as (height, width, in, out); (out, in) likewise."""
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 1 else array


def _their_order(array: np.ndarray) -> np.ndarray:
    """The inverse of `_our_order`."""
    return np.moveaxis(array, (-1, -2), (0, 1)) if array.ndim > 1 else array
