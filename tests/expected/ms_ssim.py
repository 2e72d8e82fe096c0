"""Structural similarities by `pytorch-msssim`, which the tests compare ours with.

    pip install torch==2.13.0 numpy pytorch-msssim==1.0.0     # in an environment of its own
    python -O tests/expected/ms_ssim.py > tests/expected/ms_ssim.json

-O leaves out an assertion of the package, which asks for images that five scales fit in, however
many weights it is given.
"""

import json

import numpy as np

# side, window, scales: what ganbench takes for images of that side
CASES = [(8, 7, 1), (9, 9, 1), (16, 11, 1), (24, 11, 2), (64, 11, 3), (96, 11, 4), (192, 11, 5)]
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])


def images(side):
    """Two batches of four (2, side, side) images in [-1, 1], from alike to unlike."""
    draws = np.random.RandomState(side)
    row, column = np.mgrid[:side, :side]
    pattern = np.stack([np.sin(row / 3 + column / 5), np.cos(row / 7 - column / 4)])
    first = 0.7 * pattern + 0.3 * draws.uniform(-1, 1, size=(4, 2, side, side))
    level = np.array([0.05, 0.3, 0.6, 0.9])[:, None, None, None]
    return first, (1 - level) * first + level * draws.uniform(-1, 1, size=first.shape)


def main():
    import torch
    from pytorch_msssim import ms_ssim, ssim

    expected = []
    for side, window, scales in CASES:
        pair = [torch.tensor(batch) for batch in images(side)]
        shared = {"data_range": 2.0, "size_average": False, "win_size": window, "win_sigma": 1.5}
        if scales == 1:
            values = ssim(*pair, **shared)
        else:
            weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
            values = ms_ssim(*pair, **shared, weights=weights.tolist())
        expected.append({"side": side, "values": values.tolist()})
    print(json.dumps(expected, indent=1))


if __name__ == "__main__":
    main()
