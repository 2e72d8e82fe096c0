"""Real images: tasks, the judge of MNIST, and training on them. They need prepared sets."""

import hashlib
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from evidenced import joint
from jax.random import key
from prepared import needs

from ganbench.errors import BadInput
from ganbench.harness import prepared
from ganbench.judges.classifier import agreement, fit, rates
from ganbench.judges.files import npz
from ganbench.judges.images import KNOWN, weights_path
from ganbench.judges.kinds import jigsaw, softened
from ganbench.judges.lessons import LESSONS
from ganbench.plan import budget_of
from ganbench.program import Lane
from ganbench.scoring import reference_of, sampled, truth_of
from ganbench.shared import _lying
from ganbench.suite import find, read
from ganbench.tasks.catalogue import PREPARED, TASKS, facts
from ganbench.tasks.images import values
from ganbench.tasks.prepared import load

DIGITS = ("mnist", "stacked-mnist", "compositional-mnist")
PINNED = [name for name, known in KNOWN.items() if known.sha256]


@pytest.mark.slow
@pytest.mark.parametrize("name", DIGITS)
def test_a_task_is_consistent(name):
    needs("mnist")
    task, known = TASKS[name](), facts(name)
    assert (task.name, task.shape, task.modes) == (name, known.shape, known.modes)
    assert known.rarest <= task.proportions.min() < 1.01 * known.rarest
    x = task.sample(key(0), task.train, 20)
    assert x.shape == task.noise(key(0), 20).shape == (20, *task.shape)
    assert x.dtype == np.float32 and task.train.dtype == np.uint8
    assert -1 <= x.min() < x.max() <= 1
    verdict = task.judge.judge(task.judge.weights, x)
    assert joint(verdict.log_p).shape == (20, task.modes)
    assert verdict.features.shape[1:] == task.reference_mean.shape
    assert verdict.accepted.mean() > 0.5
    noise = task.judge.judge(task.judge.weights, task.noise(key(1), 50))
    assert not noise.accepted.any()
    assert task.rms == pytest.approx(
        float(jnp.sqrt((values(task.train[:5000]) ** 2).mean())), rel=0.01
    )


def test_pixels_become_values_in_minus_one_to_one():
    made = values(np.array([0, 51, 255], np.uint8))
    np.testing.assert_allclose(made, [-1.0, -0.6, 1.0], atol=1e-6)


def test_what_is_drawn_is_the_set():
    needs("mnist")
    task = TASKS["mnist"]()
    known = {image.tobytes() for image in task.train}
    x = np.asarray(task.sample(key(0), task.train, 200))
    pixels = np.rint((x + 1) * 127.5).astype(np.uint8)
    assert all(image.tobytes() in known for image in pixels)
    assert len({image.tobytes() for image in pixels}) > 190


def test_three_digits_are_picked_alone_and_named_from_left_to_right():
    needs("mnist")
    data = load("mnist")
    labels = {
        image.tobytes(): int(y) for image, y in zip(data.train, data.train_labels, strict=True)
    }
    for name, parts in (
        ("stacked-mnist", lambda x: [x[..., i : i + 1] for i in range(3)]),
        ("compositional-mnist", lambda x: np.split(x, 3, axis=2)),
    ):
        task = TASKS[name]()
        x = np.asarray(task.sample(key(0), task.train, 300))
        pixels = np.rint((x + 1) * 127.5).astype(np.uint8)
        true = np.array([[labels[i.tobytes()] for i in part] for part in parts(pixels)]).T
        seen = np.asarray(task.judge.judge(task.judge.weights, x).log_p).argmax(-1)
        assert np.mean(seen == true) > 0.985
        modes = sampled(task, x).mode
        assert np.mean(modes == true @ [100, 10, 1]) > 0.96
        # the three are independent: a digit says nothing of the one beside it
        assert abs(np.corrcoef(true.T)[np.triu_indices(3, 1)]).max() < 0.2


def test_a_stack_and_a_row_of_digits_are_two_sets():
    needs("mnist")
    hashes = {TASKS[name]().data_hash for name in DIGITS}
    assert len(hashes) == 3
    assert {TASKS[name]().judge.hash for name in DIGITS} == {KNOWN["mnist"].sha256}


@pytest.mark.parametrize("name", PINNED)
def test_the_committed_judge_is_the_pinned_one(name):
    content = weights_path(name).read_bytes()
    made = json.loads(weights_path(name).with_suffix(".json").read_text())
    assert hashlib.sha256(content).hexdigest() == KNOWN[name].sha256 == made["sha256"]
    assert len(content) == made["bytes"] < 1.4 * 2**20
    assert made["layers"] == [list(shape) for shape in KNOWN[name].net.shapes()]


def test_the_judge_of_mnist_is_right_of_99_percent_and_refuses_what_is_none():
    """The accuracy is measured here; the rates beside it are measured again by a slow test."""
    needs("mnist")
    lesson = LESSONS["mnist"]
    data = lesson.split()
    assert len(data.held_out) == 10_000
    judge = lesson.judge()
    verdict = judge.judge(judge.weights, data.held_out)
    answers = verdict.log_p[:, 0].argmax(-1)
    written = json.loads(weights_path("mnist").with_suffix(".json").read_text())["rates"]
    assert np.mean(answers == data.held_out_labels) == pytest.approx(written["accuracy"], abs=1e-3)
    assert written["accuracy"] >= 0.99
    assert np.mean(verdict.accepted) == pytest.approx(written["images"], abs=1e-3)
    few = data.held_out[:1000]
    tiles, soft = (judge.judge(judge.weights, f(key(1), few, few)) for f in (jigsaw, softened))
    assert np.mean(tiles.accepted) <= 0.02 and np.mean(soft.accepted) >= 0.97
    assert written["images"] >= 0.95
    assert max(written[kind] for kind in ("uniform", "gaussian", "shuffled")) <= 0.01
    assert max(written[kind] for kind in ("blends", "blurred", "overlaid")) <= 0.05
    assert max(written[kind] for kind in ("jigsaw", "blobs", "speckled")) <= 0.02
    assert written["softened"] >= 0.98


@pytest.mark.slow
def test_the_rates_beside_the_judge_of_mnist_are_measured():
    needs("mnist")
    lesson = LESSONS["mnist"]
    written = json.loads(weights_path("mnist").with_suffix(".json").read_text())["rates"]
    assert rates(lesson, dict(lesson.judge().weights)) == pytest.approx(written, abs=1e-3)


def test_a_judge_that_every_user_trains_says_how(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    judge = LESSONS["fashion-mnist"].judge
    with pytest.raises(BadInput, match="no weights in .*; type: ganbench judge train fashion"):
        judge()
    path = weights_path("fashion-mnist")
    assert path.is_relative_to(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(weights_path("mnist").read_bytes())  # of the same net
    assert judge().hash == hashlib.sha256(path.read_bytes()).hexdigest()
    with np.load(path) as arrays:
        fewer = {name: arrays[name] for name in arrays.files if name != "bias_2"}
    single = io.BytesIO()
    np.save(single, np.zeros(3))
    for content in (
        b"",
        single.getvalue(),
        b"junk",
        npz(fewer),
        npz({**fewer, "bias_2": np.zeros(3)}),
    ):
        path.write_bytes(content)
        with pytest.raises(BadInput, match="holds no weights of its net; type: ganbench judge"):
            judge()


@pytest.mark.slow
def test_a_retrained_judge_of_mnist_agrees_with_the_committed_one():
    needs("mnist")
    lesson = LESSONS["mnist"]
    data = lesson.split()
    short = fit(lesson._replace(steps=1000), 1, data.train, data.train_labels)
    assert agreement(lesson, short, lesson.judge().weights) >= 0.97


def test_real_digits_score_as_perfect_ones():
    """10,000 held-out digits under their own judge: every mode, at no distance to themselves."""
    needs("mnist")
    task = TASKS["mnist"]()
    truth = truth_of(task)
    assert len(truth.train().x) == 60000 and len(truth.held_out.x) == 2500
    evidence = truth.held_out.evidence
    assert (evidence.counts > 0).all()
    np.testing.assert_allclose(evidence.feature_mean, task.reference_mean, atol=0.5)
    assert reference_of(task).n == 10000


def test_listing_needs_no_images(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert facts("stacked-mnist").shape == (28, 28, 3)
    assert facts("compositional-mnist").shape == (28, 84, 1)
    assert facts("stacked-mnist").modes == facts("compositional-mnist").modes == 1000
    assert set(PREPARED) <= set(TASKS)
    assert read(find("stacked-mnist")).name == "stacked-mnist"


@pytest.mark.parametrize("lanes", [1, 16])
def test_the_data_are_in_memory_once_a_device_whatever_the_lanes(lanes):
    needs("mnist")
    task, devices = TASKS["stacked-mnist"](), jax.devices()[:2]
    table = (
        read(find("stacked-mnist"))
        .tasks["stacked-mnist"]
        .model_copy(update={"width": 4, "steps": 2, "evaluations": 1, "batch": 8, "block": 8})
    )
    budget = budget_of(table, task)._replace(curve_samples=64, final_samples=64, sample_batch=32)
    drawn = [Lane(0, i, {"learning_rate": 1e-3}) for i in range(lanes)]
    records, _ = prepared(task, "nonsaturating", {}, drawn, budget, devices)()
    assert len(records) == lanes
    used = devices[: -(-lanes // 8)]
    alive = [x for x in jax.live_arrays() if x.dtype == np.uint8 and x.shape == task.train.shape]
    assert {x.device for x in alive} >= set(used)
    assert len(alive) == len({x.device for x in alive})
    assert all(_lying[device][1].train.nbytes == 60_000 * 28 * 28 for device in used)
