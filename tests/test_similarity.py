"""MS-SSIM against scikit-image at one scale, and `pytorch-msssim` at several."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from evidenced import RNG
from sampled import reason, samples, scored, truth
from skimage.metrics import structural_similarity

from ganbench.metrics.similarity import _pairs, multi_scale

EXPECTED = Path(__file__).parent / "expected"
SCRIPT = runpy.run_path(str(EXPECTED / "ms_ssim.py"))
STORED = json.loads((EXPECTED / "ms_ssim.json").read_text())
TRUTH = truth(np.zeros((2, 8, 8, 1)))


def of_modes(x, modes):
    return samples(x)._replace(mode=np.asarray(modes))


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: f"side {stored['side']}")
def test_as_pytorch_msssim(stored):
    """Windows of 7, 9 and 11 pixels, one to five scales; its window is rounded to float32."""
    assert len(STORED) == len(SCRIPT["CASES"])
    assert max(stored["values"]) > 0.9 and min(stored["values"]) < 0.6
    made = multi_scale(*SCRIPT["images"](stored["side"]))
    np.testing.assert_allclose(made, stored["values"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(11, 11, 1), (13, 20, 3), (21, 21, 2)])
def test_as_scikit_image_at_one_scale(shape):
    rng = RNG(0)
    for level in (0.1, 0.5, 1):
        a = rng.uniform(-1, 1, size=shape)
        b = (1 - level) * a + level * rng.uniform(-1, 1, size=shape)
        settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        theirs = structural_similarity(a, b, data_range=2.0, channel_axis=2, **settings)
        ours = multi_scale(np.moveaxis(a, 2, 0)[None], np.moveaxis(b, 2, 0)[None])
        np.testing.assert_allclose(ours, [theirs], rtol=1e-10)


def test_the_score_is_the_mean_over_pairs_of_one_mode():
    """Two images a mode: whichever pairs are drawn, each has one value."""
    x = RNG(1).uniform(-1, 1, size=(4, 12, 12, 1))
    score = scored("ms_ssim", TRUTH, of_modes(x, [3, 1, 3, 1]))
    chw = np.moveaxis(x, 3, 1)
    values = multi_scale(chw[:2], chw[2:])
    share = (score.value - values[1]) / (values[0] - values[1])  # of pairs of mode 3
    assert abs(share - 0.5) < 0.1 and abs(share * 500 - round(share * 500)) < 1e-6
    assert (score.n, score.note) == (4, "500 pairs, 1 scale, window 11")


def test_pairs_are_of_one_mode_and_of_different_samples():
    mode = RNG(2).integers(20, size=300)
    mode[:3] = [50, 60, 70]  # alone in their modes
    first, second = _pairs(mode)
    assert len(first) == 500 and (first != second).all() and (mode[first] == mode[second]).all()
    assert not set(mode[first]) & {50, 60, 70}
    again = _pairs(mode)
    assert (again[0] == first).all() and (again[1] == second).all()
    drawn = np.zeros((5, 5))
    np.add.at(drawn, _pairs(np.zeros(5)), 1)  # every ordered pair of a mode is as likely
    apart = drawn[~np.eye(5, dtype=bool)]
    assert apart.sum() == 500 and apart.min() > 10 and apart.max() < 45


def test_copies_of_one_image_are_alike_and_noise_is_not():
    rng = RNG(3)
    images = np.repeat(rng.uniform(-1, 1, size=(10, 8, 8, 1)), 20, axis=0)
    collapsed = of_modes(images, np.repeat(np.arange(10), 20))
    np.testing.assert_allclose(scored("ms_ssim", TRUTH, collapsed).value, 1, rtol=1e-12)
    noise = of_modes(rng.uniform(-1, 1, size=images.shape), collapsed.mode)
    assert abs(scored("ms_ssim", TRUTH, noise).value) < 0.05


def test_many_pixels_are_taken_in_turns(monkeypatch):
    x = of_modes(RNG(4).uniform(-1, 1, size=(30, 16, 16, 2)), np.zeros(30, int))
    at_once = scored("ms_ssim", TRUTH, x).value
    monkeypatch.setattr("ganbench.metrics.similarity.AT_ONCE", 3 * 512)
    np.testing.assert_allclose(scored("ms_ssim", TRUTH, x).value, at_once, rtol=1e-12)


def test_pixels_outside_the_range_are_clipped():
    x = 3 * RNG(5).uniform(-1, 1, size=(20, 12, 12, 1))
    wide, shown = (of_modes(images, np.zeros(20)) for images in (x, x.clip(-1, 1)))
    assert scored("ms_ssim", TRUTH, wide) == scored("ms_ssim", TRUTH, shown)
    huge = of_modes(np.full((5, 12, 12, 1), 3e38), np.zeros(5))  # whose squares round to anything
    assert scored("ms_ssim", TRUTH, huge).value == 1


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (1, "1 scale, window 1"),
        (8, "1 scale, window 7"),
        (21, "1 scale, window 11"),
        (22, "2 scales, window 11"),
        (175, "4 scales, window 11"),
        (176, "5 scales, window 11"),
    ],
)
def test_sizes_are_stated(side, said, monkeypatch):
    monkeypatch.setattr("ganbench.metrics.similarity.PAIRS", 3)  # 500 of large images take seconds
    score = scored("ms_ssim", TRUTH, of_modes(np.zeros((2, side, side + 3, 1)), [0, 0]))
    assert score.value == 1 and score.note == f"3 pairs, {said}"


def test_undefined():
    points = truth(np.zeros((5, 2)))
    assert reason("ms_ssim", points, samples(np.zeros((5, 2)))) == "samples are no images"
    apart = of_modes(np.zeros((3, 8, 8, 1)), [0, 1, 2])
    assert reason("ms_ssim", TRUTH, apart) == "no two samples of one mode"
    assert reason("ms_ssim", TRUTH, of_modes(np.zeros((1, 8, 8, 1)), [0])).startswith("1 samples")
