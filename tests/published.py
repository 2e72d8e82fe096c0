"""Random weights and images for the Inception judge, and the published file's format, written.

Used by `test_inception.py` and by `reference/inception_expected.py`, which asks PyTorch for what
the judge should make of them; this needs NumPy alone. Values are uniform draws times a scale, which
every machine rounds alike, so that the file has the same hash everywhere.
"""

import math
import struct

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {"float32": b"FloatStorage", "int64": b"LongStorage"}


def weights(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """An array of each name and shape, far from what a net starts with.

    The scale of kernels was chosen, and shifts are small, so that features are O(1) and a third of
    their spread is between images. Running variances go down to 0.1, where an epsilon tells.
    """
    draw = np.random.RandomState(0)  # its stream is frozen

    def array(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name.endswith("num_batches_tracked"):
            return np.asarray(1000)
        u = 2 * draw.random_sample(shape) - 1
        if name.endswith(("conv.weight", "fc.weight")):
            u *= math.sqrt(3 * 1.3 / math.prod(shape[1:]))  # variance 1.3 / fan-in
        elif name.endswith("running_var"):
            u = 1 + 0.9 * u
        elif name.endswith("bn.weight"):
            u = 1 + 0.5 * u
        else:
            u *= 0.1
        return u.astype(np.float32)

    return {name: array(name, shape) for name, shape in shapes.items()}


def images() -> tuple[np.ndarray, np.ndarray]:
    """Two colour images of 32 x 32 and two of 299 x 299, in [-1, 1]: patches with some noise."""
    draw = np.random.RandomState(1)

    def patches(count: int, side: int) -> np.ndarray:
        coarse = 2 * draw.random_sample((2, count, count, 3)) - 1
        fine = 2 * draw.random_sample((2, count * side, count * side, 3)) - 1
        x = np.repeat(np.repeat(coarse, side, axis=1), side, axis=2)
        return (0.75 * x + 0.25 * fine).astype(np.float32)

    return patches(4, 8), patches(13, 23)


def legacy(arrays: dict[str, np.ndarray]) -> bytes:
    """`arrays` as `torch.save` wrote a table of tensors before its format was an archive."""
    system = b"}(" + _text("protocol_version") + _int(1001) + _text("little_endian") + b"\x88"
    system += _text("type_sizes") + b"}" + b"u"
    parts = [_pickle(b"\x8a\x0a" + MAGIC.to_bytes(10, "little")), _pickle(_int(1001))]
    parts.append(_pickle(system))
    table = b"".join(_text(name) + tensor(str(i), a) for i, (name, a) in enumerate(arrays.items()))
    parts.append(_pickle(b"ccollections\nOrderedDict\n)R(" + table + b"u"))
    parts.append(_pickle(b"](" + b"".join(_text(str(i)) for i in range(len(arrays))) + b"e"))
    for a in arrays.values():
        parts += [struct.pack("<q", a.size), a.tobytes()]
    return b"".join(parts)


def tensor(key: str, a: np.ndarray) -> bytes:
    """The opcodes that rebuild `a`, contiguous, from storage `key`."""
    kind = b"ctorch\n" + KINDS[a.dtype.name] + b"\n"
    storage = b"(" + _text("storage") + kind + _text(key) + _text("cpu") + _int(a.size) + b"NtQ"
    view = _int(0) + integers(a.shape) + integers(s // a.itemsize for s in a.strides)
    hooks = b"\x89" + b"ccollections\nOrderedDict\n)R"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + view + hooks + b"tR"


def _pickle(opcodes: bytes) -> bytes:
    return b"\x80\x02" + opcodes + b"."


def _text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def _int(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def integers(values) -> bytes:
    """A tuple of them."""
    return b"(" + b"".join(map(_int, values)) + b"t"
