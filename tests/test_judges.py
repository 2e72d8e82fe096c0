"""Judges: the exact posterior, and the committed classifier of digits."""

import hashlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidenced import joint
from jax.random import key

from ganbench.errors import BadInput
from ganbench.judges.classifier import agreement, fit, interval, rates, train
from ganbench.judges.files import load, npz
from ganbench.judges.images import KNOWN, image_judge, weights_path
from ganbench.judges.lessons import LESSONS
from ganbench.judges.posterior import mixture_posterior
from ganbench.tasks.digits import digits, split
from ganbench.tasks.mixtures import grid, ring
from ganbench.tasks.stacked import stacked_digits

DIGITS_PATH, (NET, DIGITS_SHA256) = weights_path("digits"), KNOWN["digits"]
PROVENANCE = json.loads(DIGITS_PATH.with_suffix(".json").read_text())
LESSON = LESSONS["digits"]


@pytest.mark.parametrize("make", [ring, grid, digits, stacked_digits])
def test_rows_of_log_p_normalise(make):
    task = make()
    for x in (
        task.sample(key(0), task.train, 200),
        task.noise(key(1), 200),
        50 + task.noise(key(2), 9),
    ):
        log_p = joint(task.judge.judge(task.judge.weights, x).log_p)
        assert np.allclose(jax.nn.logsumexp(log_p, axis=-1), 0, atol=1e-5)


def test_the_posterior_is_bayes_rule():
    centres, sigma = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), 0.7
    judge = mixture_posterior(centres, sigma)
    x = np.array([[0.4, 0.3], [1.0, 1.0], [-1.0, 3.0], [3.2, 0.0]], np.float32)
    density = np.exp(-((x[:, None] - centres) ** 2).sum(-1) / (2 * sigma**2))
    verdict = judge.judge(judge.weights, x)
    assert np.allclose(
        np.exp(verdict.log_p[:, 0]), density / density.sum(1, keepdims=True), atol=1e-6
    )
    assert verdict.accepted.tolist() == [True, True, True, False]  # 2.2 > 2.1 = 3 sigma
    assert np.array_equal(verdict.features, x)


@pytest.mark.parametrize("make", [ring, grid])
def test_a_perfect_sampler_is_within_three_sigma_as_often_as_theory_says(make):
    task, n = make(), 200_000
    x = task.sample(key(0), task.train, n)
    share = float(np.mean(task.judge.judge(task.judge.weights, x).accepted))
    expected = 1 - np.exp(-4.5)
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_the_posteriors_hash_follows_its_constants():
    centres = ring().train
    hashes = {
        mixture_posterior(centres, 0.02).hash,
        mixture_posterior(centres, 0.03).hash,
        mixture_posterior(centres + 1, 0.02).hash,
    }
    assert len(hashes) == 3
    assert mixture_posterior(centres, 0.02).hash in hashes


def test_the_committed_weights_are_the_pinned_ones(tmp_path):
    content = DIGITS_PATH.read_bytes()
    assert len(content) < 300 * 1024
    assert image_judge("digits").hash == DIGITS_SHA256 == PROVENANCE["sha256"]
    weights = load(DIGITS_PATH, DIGITS_SHA256)
    assert {w.dtype for w in weights.values()} == {np.dtype(np.float32)}
    assert npz(weights) == npz(dict(reversed(weights.items()))) == content

    copy = tmp_path / "digits.npz"
    copy.write_bytes(content)
    assert load(copy, DIGITS_SHA256).keys() == weights.keys()
    flipped = bytearray(content)
    flipped[len(flipped) // 2] ^= 1
    copy.write_bytes(flipped)
    with pytest.raises(BadInput, match="digits.npz: SHA-256 is") as error:
        load(copy, DIGITS_SHA256)
    assert "\n" not in str(error.value)
    with pytest.raises(BadInput, match="cannot be read"):
        load(tmp_path / "missing.npz", DIGITS_SHA256)


def test_weights_never_load_a_pickle(tmp_path):
    path = tmp_path / "pickle.npz"
    np.savez(path, array=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_the_committed_judge_passes_digits_and_refuses_what_is_none():
    measured = rates(LESSON, image_judge("digits").weights)
    assert measured["accuracy"] >= 0.98
    assert measured["images"] >= 0.95
    assert measured["uniform"] <= 0.01
    assert measured["gaussian"] <= 0.01
    assert measured["blends"] <= 0.20
    # 1e-3 is five of 5,000: another machine's rounding may move a sample over the threshold
    assert measured == pytest.approx(PROVENANCE["rates"], abs=1e-3)


def test_the_gate_refuses_constants_and_what_is_not_a_number():
    judge = image_judge("digits")
    levels = jnp.array([-1.0, -0.5, 0.0, 0.5, 1.0, np.nan])
    x = jnp.broadcast_to(levels[:, None, None, None], (6, 8, 8, 1))
    assert not judge.judge(judge.weights, x).accepted.any()


def test_a_stack_is_judged_channel_by_channel():
    judge, data = image_judge("digits"), split()
    x = np.array(stacked_digits().sample(key(0), data.held_out, 50))
    x[:10, ..., 1] = np.asarray(digits().noise(key(1), 10))[..., 0]
    whole = judge.judge(judge.weights, x)
    parts = [judge.judge(judge.weights, x[..., c : c + 1]) for c in range(3)]
    accepted = np.all([part.accepted for part in parts], axis=0)
    assert np.array_equal(whole.accepted, accepted)
    assert not accepted[:10].any()
    assert accepted[10:].mean() > 0.8
    assert np.allclose(
        whole.features, np.concatenate([p.features for p in parts], axis=1), atol=1e-5
    )
    a, b, c = (np.asarray(part.log_p[:, 0]) for part in parts)
    assert np.allclose(
        joint(whole.log_p)[:, 100 * 3 + 10 * 0 + 7], a[:, 3] + b[:, 0] + c[:, 7], atol=1e-4
    )


def test_a_judge_gives_the_same_verdict_in_a_vmapped_program():
    judge = image_judge("digits")
    x = stacked_digits().sample(key(0), split().held_out, 24)
    alone = judge.judge(judge.weights, x)
    lanes = jax.jit(jax.vmap(judge.judge, in_axes=(None, 0)))(
        judge.weights, x.reshape(4, 6, 8, 8, 3)
    )
    assert np.allclose(lanes.log_p.reshape(alone.log_p.shape), alone.log_p, atol=1e-4)
    assert np.array_equal(lanes.accepted.reshape(24), alone.accepted)


@pytest.mark.slow
def test_a_retrained_judge_agrees_with_the_committed_one():
    data, committed = split(), image_judge("digits")
    retrained = fit(LESSON, 0, data.train, data.train_labels)
    retrained["threshold"] = committed.weights["threshold"]
    old, new = (committed.judge(w, data.held_out) for w in (committed.weights, retrained))
    same = np.argmax(old.log_p[:, 0], axis=-1) == np.argmax(new.log_p[:, 0], axis=-1)
    assert same.mean() >= 0.99
    assert np.mean(np.asarray(old.accepted) == np.asarray(new.accepted)) >= 0.97


@pytest.mark.slow
def test_threshold_and_accuracy_are_remade_from_training_digits():
    done = []
    weights, accuracies = train(LESSON, progress=lambda *counts: done.append(counts))
    assert done == [(n, 6) for n in range(1, 7)]
    committed = image_judge("digits").weights
    assert weights.keys() == committed.keys()
    assert weights["threshold"] == pytest.approx(committed["threshold"], abs=0.5)
    assert rates(LESSON, weights)["images"] >= 0.95
    assert np.mean(accuracies) >= 0.98
    assert PROVENANCE["fold_accuracies"] == pytest.approx(accuracies, abs=0.01)


def test_the_interval_of_the_folds_is_that_of_their_accuracies():
    accuracies = PROVENANCE["fold_accuracies"]
    low, high = PROVENANCE["fold_accuracy_interval_95"]
    assert 0.98 <= low < np.mean(accuracies) < high <= 1.01
    assert interval(accuracies) == pytest.approx((low, high), abs=1e-5)


def test_agreement_is_with_the_committed_weights():
    assert LESSON.sha256 == hashlib.sha256(DIGITS_PATH.read_bytes()).hexdigest()
    weights = dict(image_judge("digits").weights)
    assert agreement(LESSON, weights, weights) == 1.0
    last = f"kernel_{len(NET.shapes()) - 1}"
    assert agreement(LESSON, {**weights, last: -weights[last]}, weights) < 0.5
