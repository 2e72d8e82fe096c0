"""Effective support size: calibration, closed forms, and its bounds."""

import numpy as np
import pytest
from evidenced import RNG
from sampled import reason, samples, scored, truth


def tau_of(score):
    return float(score.note.split()[2].removesuffix(";"))


def test_tau_gives_a_batch_of_hundred_a_near_duplicate_half_of_the_time():
    real = RNG(0).normal(size=(2000, 2))
    tau = tau_of(scored("birthday", truth(real), samples(real)))
    rng, found = RNG(1), []
    for _ in range(2000):
        batch = rng.normal(size=(100, 2))
        apart = ((batch[:, None] - batch) ** 2).sum(2)[np.triu_indices(100, 1)]
        found.append(apart.min() <= tau**2)
    assert abs(np.mean(found) - 0.5) < 0.05


def test_data_like_the_held_out_score_7141():
    rng = RNG(2)
    values = [
        scored("birthday", truth(real), samples(made)).value
        for real, made in rng.normal(size=(40, 2, 1000, 2))
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - 4950 / np.log(2)) < 3 * error < 600


@pytest.mark.parametrize("atoms", [10, 100, 1000])
def test_equal_atoms_are_counted(atoms):
    """sum p_i^2 = 1 / N, so the effective support is N."""
    real = truth(RNG(3).normal(size=(500, 3)))
    places = 100 * RNG(4).normal(size=(atoms, 3))
    values = [
        scored("birthday", real, samples(places[RNG(seed).integers(atoms, size=800)])).value
        for seed in range(20)
    ]
    assert abs(np.mean(values) / atoms - 1) < 0.05


def test_unequal_atoms_give_the_collision_entropy():
    p = np.array([0.5, 0.2, 0.2, 0.05, 0.05])
    made = samples(np.repeat(np.arange(5.0), (p * 1000).astype(int))[:, None])
    real = truth(1e-3 * RNG(5).normal(size=(500, 1)))
    np.testing.assert_allclose(scored("birthday", real, made).value, 1 / (p**2).sum(), rtol=0.01)


def test_the_estimate_is_unbiased_where_hardly_a_pair_is_close():
    """300 samples of 20,000 atoms have 2.2 close pairs on average; 1 / c would be too high."""
    real = truth(1e-3 * RNG(6).normal(size=(500, 1)))
    values = [
        scored("birthday", real, samples(RNG(s).integers(20_000, size=300)[:, None])).value
        for s in range(400)
    ]
    expected = 20_000 * (1 - np.exp(-44_850 / 20_000))
    assert abs(np.mean(values) / expected - 1) < 0.1


def test_bounds():
    real = RNG(7).normal(size=(400, 2))
    assert scored("birthday", truth(real), samples(np.ones((50, 2)))).value == 1
    apart = scored("birthday", truth(real), samples(100 * np.arange(20.0).reshape(10, 2)))
    assert apart.value == 46
    assert apart.note.endswith("; no pair is closer: at least this")
    assert (apart.n, apart.n_reference) == (10, 400)
    pair = scored("birthday", truth(real), samples(np.zeros((2, 2))))
    assert pair.value == 1


def test_repeated_data_count_copies():
    score = scored("birthday", truth(np.zeros((30, 2))), samples(np.arange(8.0).reshape(4, 2)))
    assert score.value == 7 and score.note.startswith("tau = 0;")
    assert scored("birthday", truth(np.zeros((30, 2))), samples(np.ones((4, 2)))).value == 1


def test_too_few():
    for real, made in ((np.zeros((1, 2)), np.zeros((5, 2))), (np.eye(2), np.zeros((1, 2)))):
        assert reason("birthday", truth(real), samples(made)) == "1 samples, at least 2 needed"
