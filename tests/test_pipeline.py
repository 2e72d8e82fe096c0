"""Generators whose outcome is known beforehand, through suite, harness, store and leaderboard."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from grids import EVERY, STEPS, suite
from threadpoolctl import threadpool_info, threadpool_limits

import ganbench
from ganbench import registry, sweep, training
from ganbench.errors import BadInput
from ganbench.game import Method, TrainState
from ganbench.harness import prepared
from ganbench.plan import budget_of, protocol
from ganbench.program import Lane
from ganbench.registry import Entry
from ganbench.setting import Setting
from ganbench.tasks.catalogue import TASKS

MODES = 25
SLOW = pytest.mark.slow


def drawing(modes_at, gradient=lambda steps: jnp.ones(())):
    """A method that draws from mode `modes_at(steps done, random number)`; it only counts steps."""

    def factory(setting: Setting) -> Method:
        def step(state, key, t):
            steps = state.params["g"]["steps"] + 1
            return TrainState({"g": {"steps": steps}}, {}, {}), {"grad_norm/g": gradient(steps)}

        def generate(state, key):
            keys = jax.random.split(key)
            pick = jax.random.randint(keys[0], (setting.batch,), 0, 1_000_000)
            centres = setting.train[modes_at(state.params["g"]["steps"], pick)]
            return centres + 0.02 * jax.random.normal(keys[1], centres.shape)

        return Method(
            lambda key: TrainState({"g": {"steps": jnp.zeros(())}}, {}, {}), step, generate
        )

    return Entry(factory, "method")


def noise_only(setting: Setting) -> Method:
    state = TrainState({"g": {"w": jnp.zeros(())}}, {}, {})
    return Method(
        lambda key: state,
        lambda state, key, t: (state, {}),
        lambda state, key: setting.task.noise(key, setting.batch),
    )


def turning(steps, pick):
    """13 of the 25 modes at a time, moving on by 12 from one evaluation to the next."""
    return (12 * (steps // EVERY).astype(int) + pick % 13) % MODES


KNOWN = {
    "perfect": drawing(lambda steps, pick: pick % MODES),
    "one-mode": drawing(lambda steps, pick: 0 * pick),
    "drops": drawing(lambda steps, pick: jnp.where(steps <= 500, pick % MODES, 0)),
    "forty": drawing(lambda steps, pick: pick % 10),
    "sixty": drawing(lambda steps, pick: pick % 15),
    "junk": Entry(noise_only, "method"),
    "turning": drawing(turning),
    "vanished": drawing(
        lambda steps, pick: pick % 15, gradient=lambda steps: jnp.where(steps <= 500, 1.0, 0.0)
    ),
    "never-any": drawing(lambda steps, pick: pick % 15, gradient=lambda steps: jnp.zeros(())),
}

#: name -> (status, onset, success), written down before any of it ran
EXPECTED = {
    "perfect": ("ok", None, True),
    "one-mode": ("collapsed", 50, False),
    "drops": ("collapsed", 550, False),
    "forty": ("collapsed", 50, False),
    "sixty": ("ok", None, False),
    "junk": ("unlearned", 50, False),
    "turning": ("oscillating", 700, False),
    "vanished": ("saturated", 550, False),
    "never-any": ("saturated", 50, False),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, entry in KNOWN.items():
            patch.setitem(registry.METHODS, name, entry)
        return sweep.run(suite(dict.fromkeys(KNOWN, {})), tmp_path_factory.mktemp("known") / "out")


@pytest.mark.parametrize("name", EXPECTED)
def test_known_answer(results, name):
    status, onset, success = EXPECTED[name]
    rows = results.runs[results.runs["method"] == name]
    assert len(rows) == 2
    assert set(rows["status"]) == {status}
    assert rows["onset"].isna().all() if onset is None else set(rows["onset"]) == {onset}
    assert set(rows["success"]) == {success}
    board = results.leaderboard.set_index("method").loc[name]
    assert board[f"n_{status}"] == 2
    assert board["successes"] == 2 * success


def test_known_scores(results):
    board = results.leaderboard.set_index("method")
    assert board.loc["one-mode", "modes_mean"] == 1
    assert board.loc["forty", "modes_mean"] == 10
    assert board.loc["forty", "reverse_kl_mean"] == pytest.approx(np.log(25 / 10), abs=0.01)
    assert board.loc["perfect", "inception_score_mean"] == pytest.approx(25, rel=0.01)
    assert board.loc["one-mode", "inception_score_mean"] == pytest.approx(1, abs=1e-3)
    assert board.loc["one-mode", "am_score_mean"] == np.inf
    assert board.loc["perfect", "high_quality_mean"] == pytest.approx(0.98889, abs=0.01)
    assert board.loc["perfect", "steps_to_90_median"] == 50
    assert board.loc["sixty", "steps_to_90_median"] == np.inf


def test_curves_show_the_drop(results):
    curve = results.curves.query("method == 'drops' and metric == 'modes' and replicate == 0")
    assert curve["step"].tolist() == list(range(EVERY, STEPS + 1, EVERY))
    assert curve["mean"].tolist() == [25.0] * 10 + [1.0] * 10
    gradient = results.curves.query("method == 'vanished' and metric == 'grad_norm/g'")
    assert set(gradient["mean"]) == {0.0, 1.0}


def shows_its_batch(setting: Setting) -> Method:
    """Trains in batches of 64; each of its samples is the size of the batch it was made in."""
    state = TrainState({"g": {"w": jnp.zeros(())}}, {}, {})
    shown = jnp.full((setting.batch, 2), setting.batch, jnp.float32)
    return Method(
        lambda key: state,
        lambda state, key, t: (state, {"loss/g": jnp.float32(setting.batch)}),
        lambda state, key: shown,
    )


@pytest.mark.parametrize(("asked", "size"), [({}, 64), ({"sample_batch": 1000}, 1000)])
def test_samples_are_made_in_batches_of_the_size_asked_for(monkeypatch, asked, size):
    monkeypatch.setitem(registry.METHODS, "sized", Entry(shows_its_batch, "method"))
    task, made = TASKS["grid"](), suite({"sized": {}}, steps=100, **asked)
    lanes = [Lane(0, 0, {"learning_rate": 1e-3})]
    budget = budget_of(made.tasks["grid"], task)
    (record,), _ = prepared(task, "sized", {}, lanes, budget, jax.devices())()
    assert record.final.n == len(record.final_samples) == 2500
    assert [e.n for e in record.evidence] == [2500, 2500]
    assert set(record.final_samples.flat) == set(record.curve_samples.flat) == {size}
    assert set(record.curves["loss/g"].flat) == {64}
    assert ("sample_batch" in protocol(made, "grid")["budget"]) == bool(asked)


def test_a_method_that_raises_is_a_failed_row_and_the_sweep_goes_on(monkeypatch, tmp_path):
    def broken(setting: Setting) -> Method:
        raise RuntimeError(f"no such thing at {id(setting):#x}\nsecond line")

    monkeypatch.setitem(registry.METHODS, "broken", Entry(broken, "method"))
    monkeypatch.setitem(registry.METHODS, "perfect", KNOWN["perfect"])
    made = sweep.run(suite({"broken": {}, "perfect": {}}, steps=100), tmp_path / "out")
    rows = made.runs.set_index("method")
    assert set(rows.loc["broken", "status"]) == {"failed"}
    assert set(rows.loc["broken", "reason"]) == {"RuntimeError: no such thing at 0x..."}
    assert set(rows.loc["perfect", "status"]) == {"ok"}
    # what the program stopped is tried again by the next call, and only that
    monkeypatch.setitem(registry.METHODS, "broken", KNOWN["perfect"])
    trained = []
    progress = sweep.Progress(group=trained.append)
    made = sweep.run(
        suite({"broken": {}, "perfect": {}}, steps=100), tmp_path / "out", progress=progress
    )
    assert trained == ["grid broken"]
    assert set(made.runs["status"]) == {"ok", "unlearned"}
    assert len(made.runs) == 2 * 5


def test_a_task_that_cannot_be_scored_has_failed_rows_and_the_sweep_goes_on(monkeypatch, tmp_path):
    def broken(*given):
        raise ZeroDivisionError("of a judge")

    monkeypatch.setattr("ganbench.engines.local.scale_of", broken)
    made = sweep.run(suite({"nonsaturating": {}}, seeds=1, steps=50), tmp_path / "out")
    assert set(made.runs["status"]) == {"failed"} and len(made.runs) == 4
    assert set(made.runs["reason"]) == {"ZeroDivisionError: of a judge"}
    monkeypatch.undo()
    made = sweep.run(suite({"nonsaturating": {}}, seeds=1, steps=50), tmp_path / "out")
    assert "failed" not in set(made.runs["status"])


def test_scores_do_not_hang_on_how_many_threads_linear_algebra_has(monkeypatch, tmp_path):
    """Eigenvalues of some hundred features differ in their last bits."""
    seen, scored = [], training.final_scores

    def looked(*given):
        seen.append({pool["num_threads"] for pool in threadpool_info()})
        return scored(*given)

    monkeypatch.setattr(training, "final_scores", looked)
    with threadpool_limits(2):
        sweep.run(suite({"nonsaturating": {}}, seeds=1, steps=50), tmp_path / "out")
        assert {2} in ({pool["num_threads"]} for pool in threadpool_info())
    assert seen and all(threads == {1} for threads in seen)


def test_an_interrupt_leaves_tables_of_all_that_is_finished(monkeypatch, tmp_path):
    def interrupting(label):
        if label == "grid forty":
            raise KeyboardInterrupt

    for name in ("perfect", "forty"):
        monkeypatch.setitem(registry.METHODS, name, KNOWN[name])
    monkeypatch.setattr(sweep, "TABLES_SHARE", 1e-9)  # else none but the first group's
    with pytest.raises(KeyboardInterrupt):
        sweep.run(
            suite({"perfect": {}, "forty": {}}, steps=100),
            tmp_path / "out",
            progress=sweep.Progress(group=interrupting),
        )
    board = ganbench.load(tmp_path / "out").leaderboard
    assert set(board["method"]) == {"real", "held-out", "noise", "perfect"}


@pytest.mark.parametrize(
    ("method", "values", "message"),
    [
        (
            "eve",
            {"low": [0.1, 20.0]},
            "^eve on grid: eve: low is 20.0, more than high",
        ),
        ("lsgan", {"real": [1.0, 0.0]}, "^lsgan on grid: lsgan: real and fake are both 0.0"),
    ],
)
def test_values_that_do_not_go_together_are_refused_in_any_lane(method, values, message, tmp_path):
    columns = {"hyperparameters": {method: values}}
    with pytest.raises(BadInput, match=message):
        sweep.run(suite({method: columns}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_method_that_cannot_be_built_is_named_with_its_task_before_anything_is_written(tmp_path):
    columns = {"hyperparameters": {"pacgan": {"samples": 100}}}
    with pytest.raises(BadInput, match="^pacgan on grid: pacgan: a batch of 64 holds no pack of"):
        sweep.run(suite({"nonsaturating": {}, "pacgan": columns}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "task", ["grid", *(pytest.param(t, marks=SLOW) for t in ("ring", "digits", "stacked-digits"))]
)
def test_real_always_succeeds_and_noise_never(task, tmp_path):
    table = {"seeds": 4, "steps": 100, "evaluations": 4, "block": 2}
    table |= {"curve_samples": 10_000, "seeds": 2} if task == "stacked-digits" else {}
    plain = suite({"nonsaturating": {}}, **table)
    made = plain.model_copy(update={"tasks": {task: plain.tasks["grid"]}, "methods": []})
    for seed in (0, 1):
        rows = sweep.run(made, tmp_path / "out", seed=seed).runs.set_index("method")
        assert set(rows.loc["real", "status"]) == {"ok"}
        assert set(rows.loc["held-out", "status"]) == {"ok"}
        assert rows.loc["real", "success"].all()
        assert not rows.loc["noise", "success"].any()
        assert set(rows.loc["noise", "status"]) == {"unlearned"}
    assert len(rows) == 3 * 2 * table["seeds"]


@pytest.mark.slow
@pytest.mark.parametrize("nets", ["conv", "channels"])
def test_image_nets_train_through_the_whole_pipeline(nets, tmp_path):
    made = suite({"mdgan": {}, "unrolled": {}, "ebgan-pt+r1": {}}, seeds=2, steps=EVERY)
    table = made.tasks["grid"].model_copy(update={"nets": nets, "evaluations": 2})
    results = sweep.run(made.model_copy(update={"tasks": {"digits": table}}), tmp_path / "out")
    assert len(results.runs) == 6 * 2
    assert not {"failed", "diverged"} & set(results.runs["status"])
