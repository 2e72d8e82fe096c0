"""How alike the images of one mode are."""

import numpy as np

from ganbench.metrics.sample import Sample, Truth, readable
from ganbench.metrics.score import Score, Undefined

PAIRS = 500
SEED = 0  # of the pairs
WINDOW, SIGMA = 11, 1.5  # pixels, Wang et al. 2004
STABLE = (0.01 * 2) ** 2, (0.03 * 2) ** 2  # K1, K2 of Wang et al. 2004; pixels range over 2
WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # finest scale first, Wang et al. 2003
AT_ONCE = 2**22  # pixels whose local moments are made at a time: 32 MiB each


def ms_ssim(truth: Truth):
    """Mean multi-scale structural similarity of 500 random pairs of images of the same mode.

    From -1 to 1, which is: all images of a mode are the same. It is read against that of the data:
    lower is more diverse, and noise is as diverse as can be, so it says nothing of quality. Pairs
    are of different samples; the first is drawn from all those whose mode has another, by a fixed
    seed.

    SSIM(a, b) = mean of l cs over the places where the whole window fits, with local moments under
    a Gaussian window of 11 pixels, sigma 1.5, l = (2 m_a m_b + C1) / (m_a^2 + m_b^2 + C1),
    cs = (2 s_ab + C2) / (s_a^2 + s_b^2 + C2), C1 = 0.02^2, C2 = 0.06^2: pixels are in [-1, 1], and
    clipped to it.
    MS-SSIM = prod_j mean(cs_j)^w_j SSIM_M^w_M over M scales, each half of the one before (means of
    2 x 2 pixels, an odd last row or column left out), terms below 0 taken for 0. Scales are at most
    five, as many as the window fits in (five from 176 pixels on), with the first weights
    renormalised: one scale is plain SSIM, which may be negative. Images under 11 pixels have the
    largest odd window that fits (7 for 8 x 8), with the same sigma. Channels are apart, then
    averaged.

    Blind to lost modes, for pairs are of one mode, and to quality. Blur and copies raise it, noise
    lowers it.

    References: Odena, Olah, Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs",
    ICML 2017, arXiv 1610.09585 (there 100 pairs of one class at 128 x 128, in grey); Wang,
    Simoncelli, Bovik, "Multi-scale Structural Similarity for Image Quality Assessment", Asilomar
    2003; Wang et al., "Image Quality Assessment", IEEE TIP 13(4), 2004.

    Returns: the score of a sample; raises Undefined if samples are no images (height, width,
    channels), or no two are of one mode.
    """
    if truth.held_out.x.ndim != 4:
        raise Undefined("samples are no images")

    def score(sample: Sample) -> Score:
        first, second = _pairs(readable(sample, 2).mode)
        images = np.moveaxis(sample.x.clip(-1, 1), 3, 1)
        scales, window = _sizes(min(images.shape[2:]))
        step = max(1, AT_ONCE // images[0].size)
        values = np.concatenate(
            [
                multi_scale(images[first[i : i + step]], images[second[i : i + step]])
                for i in range(0, PAIRS, step)
            ]
        )
        note = f"{PAIRS} pairs, {scales} {'scale' if scales == 1 else 'scales'}, window {window}"
        return Score(float(values.mean()), len(images), note=note)

    return score


def multi_scale(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(pairs,): MS-SSIM of (pairs, channels, height, width) images, averaged over channels."""
    scales, window = _sizes(min(a.shape[2:]))
    terms = []
    for scale in range(scales):
        if scale:
            a, b = _halved(a), _halved(b)
        luminance, structure = _local(a, b, window)
        last = scale == scales - 1
        terms.append((luminance * structure if last else structure).mean((2, 3)))
    if scales == 1:
        return terms[0].mean(1)
    weights = WEIGHTS[:scales] / WEIGHTS[:scales].sum()
    powers = [t.clip(min=0) ** w for t, w in zip(terms, weights, strict=True)]
    return np.prod(powers, axis=0).mean(1)


def _pairs(mode: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of PAIRS pairs of different samples of the same mode; repeated where they are few."""
    order = np.argsort(mode, kind="stable")
    _, start, count = np.unique(mode[order], return_index=True, return_counts=True)
    start, count = np.repeat(start, count), np.repeat(count, count)  # of each sample's mode
    able = np.flatnonzero(count > 1)
    if not len(able):
        raise Undefined("no two samples of one mode")
    draws = np.random.RandomState(SEED)  # its stream never changes
    first = able[draws.randint(len(able), size=PAIRS)]
    start, count = start[first], count[first]
    others = 1 + np.floor(draws.random_sample(PAIRS) * (count - 1)).astype(int)
    return order[first], order[start + (first - start + others) % count]


def _sizes(side: int) -> tuple[int, int]:
    """How many scales, and the window in pixels, for images of that shorter side."""
    scales = 1
    while scales < len(WEIGHTS) and side >> scales >= WINDOW:
        scales += 1
    return scales, min(WINDOW, side - (side + 1) % 2)


def _local(a: np.ndarray, b: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Luminance l and contrast-structure cs wherever the window fits."""
    place = np.arange(window) - window // 2
    kernel = np.exp(-(place**2) / (2 * SIGMA**2))
    kernel /= kernel.sum()
    rows, columns = (_bands(kernel, side) for side in a.shape[2:])

    def mean(x: np.ndarray) -> np.ndarray:
        return rows @ x @ columns.T

    c1, c2 = STABLE
    mean_a, mean_b = mean(a), mean(b)
    square_a, square_b, product = mean_a**2, mean_b**2, mean_a * mean_b
    luminance = (2 * product + c1) / (square_a + square_b + c1)
    both = mean(a**2) - square_a + mean(b**2) - square_b
    return luminance, (2 * (mean(a * b) - product) + c2) / (both + c2)


def _bands(kernel: np.ndarray, side: int) -> np.ndarray:
    """(side - window + 1, side): a correlation with `kernel` as a matrix, where it fits."""
    places = side - len(kernel) + 1
    bands = np.zeros((places, side))
    for i in range(places):
        bands[i, i : i + len(kernel)] = kernel
    return bands


def _halved(x: np.ndarray) -> np.ndarray:
    pairs, channels, height, width = (*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
    whole = x[:, :, : 2 * height, : 2 * width]
    return whole.reshape(pairs, channels, height, 2, width, 2).mean((3, 5))
