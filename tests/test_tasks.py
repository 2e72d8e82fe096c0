"""Tasks: what is drawn is what the task says it is."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidenced import joint
from jax.random import key

from ganbench.errors import BadInput
from ganbench.tasks.digits import digits, split
from ganbench.tasks.mixtures import grid, ring
from ganbench.tasks.stacked import stacked_digits

MAKERS = {"ring": ring, "grid": grid, "digits": digits, "stacked-digits": stacked_digits}


@pytest.fixture(scope="module")
def tasks():
    return {name: make() for name, make in MAKERS.items()}


def test_ring_has_eight_distinct_centres_evenly_spaced():
    centres = ring().train
    assert len(np.unique(centres.round(4), axis=0)) == 8
    apart = np.linalg.norm(centres - np.roll(centres, 1, axis=0), axis=1)
    assert np.allclose(apart, 2 * np.sin(np.pi / 8), atol=1e-6)
    assert np.allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-6)


def test_grid_spans_the_unit_square():
    centres = grid().train
    assert {tuple(c) for c in (2 * centres).tolist()} == {
        (float(i), float(j)) for i in range(-2, 3) for j in range(-2, 3)
    }


def test_grid_can_be_pacgans():
    expected = set(itertools.product([-4.0, -2.0, 0.0, 2.0, 4.0], repeat=2))
    assert {tuple(c) for c in grid(spacing=2.0, sigma=0.05).train.tolist()} == expected
    assert grid(spacing=2.0).train[7].tolist() == [-2.0, 0.0]  # mode 5 * 1 + 2


@pytest.mark.parametrize("make", [lambda: ring(modes=0), lambda: grid(sigma=0.0)])
def test_a_mixture_refuses_what_is_not_positive(make):
    with pytest.raises(BadInput, match="must be above 0"):
        make()


@pytest.mark.parametrize("name", MAKERS)
def test_a_task_is_consistent(tasks, name):
    task = tasks[name]
    assert task.name == name
    x = task.sample(key(0), task.train, 7)
    assert x.shape == task.noise(key(0), 7).shape == (7, *task.shape)
    assert x.dtype == task.train.dtype == np.float32
    verdict = task.judge.judge(task.judge.weights, x)
    assert joint(verdict.log_p).shape == (7, task.modes)
    width = verdict.features.shape[1]
    assert task.reference_mean.shape == (width,)
    assert task.reference_cov.shape == (width, width)
    assert task.reference_mean.dtype == task.reference_cov.dtype == np.float64
    assert np.linalg.eigvalsh(task.reference_cov).min() > 0
    assert task.proportions.shape == (task.modes,)
    assert task.proportions.dtype == np.float64
    assert np.isclose(task.proportions.sum(), 1, atol=1e-12)
    assert len(task.data_hash) == len(task.judge.hash) == 64


@pytest.mark.parametrize("name", MAKERS)
def test_sampling_is_a_function_of_the_key_and_traces(tasks, name):
    task = tasks[name]
    lanes = jax.jit(jax.vmap(lambda k, source: task.sample(k, source, 5), in_axes=(0, None)))
    x = lanes(jax.random.split(key(0), 2), task.train)
    assert np.allclose(x[0], task.sample(jax.random.split(key(0), 2)[0], task.train, 5), atol=1e-6)
    assert not np.allclose(x[0], x[1])


@pytest.mark.parametrize("name", MAKERS)
def test_reference_moments_and_rms_match_a_large_sample(tasks, name):
    task, n = tasks[name], 40_000
    x = task.sample(key(1), task.held_out, n)
    features = np.asarray(task.judge.judge(task.judge.weights, x).features, np.float64)
    deviation = np.sqrt(np.diag(task.reference_cov))
    # five standard errors, in units of each feature's deviation (fourth moments here are below 8)
    standard = (features.mean(0) - task.reference_mean) / deviation
    assert np.abs(standard).max() < 5 / np.sqrt(n)
    correlation = (np.cov(features.T) - task.reference_cov) / np.outer(deviation, deviation)
    assert np.abs(correlation).max() < 5 * np.sqrt(8 / n)
    squared = np.asarray(task.sample(key(2), task.train, n), np.float64) ** 2
    assert np.isclose(np.sqrt(squared.mean()), task.rms, rtol=0.01)


def test_mixture_moments_are_the_closed_forms(tasks):
    for name, variance in {"ring": 1 / 2 + 0.02**2, "grid": 0.5 + 0.02**2}.items():
        assert np.allclose(tasks[name].reference_mean, 0, atol=1e-7)
        assert np.allclose(tasks[name].reference_cov, variance * np.eye(2), atol=1e-7)
        assert tasks[name].rms == pytest.approx(np.sqrt(variance), abs=1e-7)


@pytest.mark.parametrize("name", MAKERS)
def test_modes_come_in_the_stated_proportions(tasks, name):
    task, n = tasks[name], 26_000
    x = task.sample(key(3), task.train, n)
    mode = np.argmax(joint(task.judge.judge(task.judge.weights, x).log_p), axis=-1)
    share = np.bincount(mode, minlength=task.modes) / n
    hit = task.proportions[share > 0].sum()
    assert hit == pytest.approx(1, abs=1e-9)
    divergence = np.sum(share * np.log(np.maximum(share, 1e-12) / task.proportions))
    # the floor of a perfect sampler is (K - 1) / 2n; its deviation sqrt((K - 1) / 2) / n
    assert divergence < (task.modes - 1 + 5 * np.sqrt(2 * task.modes)) / (2 * n) * 1.1


def test_mixture_noise_covers_the_box_of_centres_widened_by_three_sigma(tasks):
    noise = np.asarray(tasks["grid"].noise(key(0), 20_000))
    for edge in (noise.max(0), -noise.min(0)):
        assert (edge > 1.057).all()
        assert (edge <= 1.06).all()


def test_image_noise_is_uniform_and_independent(tasks):
    noise = np.asarray(tasks["stacked-digits"].noise(key(0), 2_000)).reshape(2_000, -1)
    assert -1 <= noise.min() < -0.999
    assert 0.999 < noise.max() <= 1
    off_diagonal = np.corrcoef(noise.T) - np.eye(192)
    assert np.abs(off_diagonal).max() < 0.15


def test_digits_are_split_into_equal_strata_that_share_nothing():
    data = split()
    assert data.train.shape == (1297, 8, 8, 1)
    assert data.held_out.shape == (500, 8, 8, 1)
    assert data.train.dtype == np.float32
    assert (data.train.min(), data.train.max()) == (-1, 1)
    held_out = np.bincount(data.held_out_labels)
    expected = (held_out + np.bincount(data.train_labels)) * 500 / 1797
    assert np.abs(held_out - expected).max() < 1
    train = {image.tobytes() for image in data.train}
    assert len(train) == 1297
    assert not train & {image.tobytes() for image in data.held_out}


def test_the_digits_and_their_split_are_the_ones_the_judge_was_trained_on(tasks):
    # a change here means that held-out digits may have been trained on: remake the judge
    assert tasks["digits"].data_hash == (
        "2aa61f845008a992b0a265a9352d007438fa51597d9d59040abac62150c4e756"
    )


def test_samples_of_digits_are_images_of_the_source_and_cover_it(tasks):
    task = tasks["digits"]
    source = {image.tobytes() for image in task.held_out}
    drawn = {image.tobytes() for image in np.asarray(task.sample(key(0), task.held_out, 5_000))}
    assert drawn <= source
    assert len(drawn) > 490  # of 500; on average exp(-10) of them are missed


def test_stacked_mode_index_reads_the_channels_as_decimals(tasks):
    data, single, stacked = split(), tasks["digits"], tasks["stacked-digits"]
    images, labels = data.held_out[..., 0], data.held_out_labels
    right = np.argmax(single.judge.judge(single.judge.weights, images[..., None]).log_p[:, 0], -1)
    one = {digit: images[(labels == digit) & (right == digit)][0] for digit in range(10)}
    wanted = [(0, 0, 0), (1, 2, 3), (9, 0, 4), (0, 7, 1), (9, 9, 9)]
    x = jnp.stack([np.stack([one[digit] for digit in digits], axis=-1) for digits in wanted])
    log_p = joint(stacked.judge.judge(stacked.judge.weights, x).log_p)
    assert np.argmax(log_p, axis=-1).tolist() == [0, 123, 904, 71, 999]
    p = single.proportions
    assert stacked.proportions[904] == pytest.approx(p[9] * p[0] * p[4])


def test_stacked_channels_are_picked_independently(tasks):
    task = tasks["stacked-digits"]
    x = np.asarray(task.sample(key(0), task.train, 3_000))
    source = {image.tobytes() for image in task.train[..., 0]}
    names = [[np.ascontiguousarray(image[..., c]).tobytes() for c in range(3)] for image in x]
    assert {name for row in names for name in row} <= source
    # two of three channels agree with probability 3 / 1297
    assert sum(len(set(row)) < 3 for row in names) < 25
