"""What a suite asks for beside: scores at the end, diagnostics on the way; nothing else moves."""

import json

import jax
import numpy as np
import pandas as pd
import pytest
from grids import suite

from ganbench import registry, sweep
from ganbench.errors import BadInput
from ganbench.game import Method, Stabilizer
from ganbench.harness import due
from ganbench.metrics.catalogue import METRICS, OPTIONAL
from ganbench.metrics.score import Score
from ganbench.plan import protocol
from ganbench.scoring import sample_scores, sampled, truth_of
from ganbench.tables import RUN_COLUMNS
from ganbench.tasks.catalogue import TASKS
from ganbench.wrapping import wrap_method

SCORES = ["kid", "forward_kl", "memorization"]
STEPS, EVERY = 200, 50
METHODS = {"nonsaturating": {}, "gap": {}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("asked")
    plain = suite(METHODS, steps=STEPS)
    more = {"scores": SCORES, "diagnostics": {"spectrum": 2}}
    asking = plain.model_copy(update=more)
    return [
        (made, sweep.run(made, out / name), out / name)
        for made, name in ((plain, "plain"), (asking, "asking"))
    ]


def uncosted(frame):
    return frame[[c for c in frame if not c.startswith("cost_") and c not in OPTIONAL]]


def test_nothing_else_moves(folders):
    (_, plain, _), (_, asking, _) = folders
    hashed = ["protocol_hash", "cell"]  # the scores asked for are part of the protocol
    own, other = (uncosted(r.runs).drop(columns=hashed) for r in (plain, asking))
    pd.testing.assert_frame_equal(own, other)
    curves = asking.curves[~asking.curves["metric"].str.startswith("spectrum/")]
    pd.testing.assert_frame_equal(plain.curves, curves.reset_index(drop=True))
    assert list(plain.runs) == RUN_COLUMNS


def test_diagnostics_are_no_part_of_the_protocol_and_scores_are(folders):
    (plain, _, _), (asking, _, _) = folders
    only = asking.model_copy(update={"scores": []})
    assert protocol(only, "grid") == protocol(plain, "grid")
    assert protocol(asking, "grid") != protocol(plain, "grid")
    reordered = asking.model_copy(update={"scores": SCORES[::-1]})
    assert protocol(asking, "grid") == protocol(reordered, "grid")


def test_asked_scores_have_columns_in_runs_and_leaderboard(folders):
    _, asking, _ = folders[1]
    names = [n for n in OPTIONAL if n in SCORES]
    assert list(asking.runs) == [*RUN_COLUMNS, *names]
    assert asking.runs["kid"].notna().all()
    assert asking.runs["memorization"].isna().all()  # of a mixture, drawn anew
    board = asking.leaderboard.set_index("method")
    real = asking.runs[asking.runs["method"] == "real"]
    assert board.loc["real", "kid_mean"] == pytest.approx(real["kid"].mean())
    assert board.loc["real", "kid_n"] == 2 and board.loc["real", "memorization_n"] == 0
    assert board.loc["noise", "kid_mean"] > 10 * abs(board.loc["real", "kid_mean"])


def test_scores_csv_has_every_score_with_its_sizes_and_why_one_is_null(folders):
    _, asking, folder = folders[1]
    scores = pd.read_csv(folder / "scores.csv")
    assert len(scores) == len(asking.runs) * (len(METRICS) + len(SCORES))
    by = scores.groupby("score")
    assert set(by.groups) == {*METRICS, *SCORES}
    assert (by["samples"].min() == 2500).all()
    sizes = by["reference_samples"].max()
    assert sizes["kid"] == 2500 and sizes["modes"] == 0
    memorized = scores[scores["score"] == "memorization"]
    assert memorized["value"].isna().all()
    assert memorized["note"].str.contains("drawn anew").all()
    null = scores[scores["value"].isna()]
    assert null["note"].notna().all()
    wide = asking.runs.set_index(["method", "replicate"])
    for row in scores[scores["score"].isin(["kid", "fid"])].itertuples():
        assert row.value == pytest.approx(wide.loc[(row.method, row.replicate), row.score])


def test_diagnostics_stand_in_the_curves_at_the_steps_that_are_due(folders):
    _, asking, _ = folders[1]
    made = asking.curves[asking.curves["metric"].str.startswith("spectrum/")]
    assert set(made["method"]) == set(METHODS)  # a reference row has no game
    assert set(made["step"]) == {100, 200}
    key = ["method", "replicate", "metric", "step"]
    assert not made.duplicated(key).any()
    assert made["samples"].isna().all()
    rotation = made[made["metric"] == "spectrum/rotation"]
    assert len(rotation) == 2 * 2 * 2 and rotation["mean"].between(0, 1).all()
    one = made[(made["method"] == "gap") & (made["metric"] == "spectrum/real_max")]
    assert one["mean"].nunique() == len(one)  # lanes and steps differ


@pytest.mark.parametrize(
    ("times", "steps"), [(1, [8]), (2, [4, 8]), (3, [2, 5, 8]), (8, [1, 2, 3, 4, 5, 6, 7, 8])]
)
def test_when_a_diagnostic_is_due(times, steps):
    assert list(due(np.arange(1, 9), times)) == steps


def test_a_table_of_a_broken_run_is_null_with_the_reason(tmp_path):
    made = suite({"nonsaturating": {}}, seeds=1, steps=200, learning_rate=1e30)
    results = sweep.run(
        made.model_copy(update={"scores": ["kid"], "diagnostics": {"spectrum": 4}}),
        tmp_path / "out",
    )
    (row,) = results.runs[results.runs["method"] == "nonsaturating"].to_dict("records")
    assert row["status"] == "diverged" and np.isnan(row["kid"])
    scores = pd.read_csv(tmp_path / "out" / "scores.csv").query("method == 'nonsaturating'")
    assert set(scores["note"]) == {"the run diverged"} and scores["value"].isna().all()
    made = results.curves.query("metric == 'spectrum/real_max'")
    assert len(made) == 4 and made["mean"].isna().all()
    json.loads((tmp_path / "out" / "provenance.json").read_text())


def test_a_game_that_cannot_be_looked_into_is_refused_before_anything_is_trained(tmp_path):
    """Its training would be fine: a diagnostic must not make a failed row of it."""

    def renamed() -> Stabilizer:
        def wrap(plain: Method) -> Method:
            def out(state):
                return state._replace(params={f"{n}!": p for n, p in state.params.items()})

            def back(state):
                return state._replace(params={n[:-1]: p for n, p in state.params.items()})

            def step(state, key, t):
                after, info = plain.step(back(state), key, t)
                return out(after), info

            return Method(
                lambda key: out(plain.init(key)),
                step,
                lambda state, key: plain.generate(back(state), key),
            )

        return wrap_method(wrap)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.METHODS, "renamed", registry.Entry(renamed, "modifier"))
        made = suite({"renamed": {}}, seeds=1, steps=100)
        asking = made.model_copy(update={"diagnostics": {"spectrum": 1}})
        with pytest.raises(BadInput, match="renamed on grid: diagnostics.spectrum: a diagnostic"):
            sweep.run(asking, tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assert "failed" not in set(sweep.run(made, tmp_path / "out").runs["status"])


def test_a_score_that_breaks_is_null_and_ends_no_sweep(tmp_path, monkeypatch):
    def at_fitting(truth):
        raise MemoryError("too large")

    def at_scoring(truth):
        return lambda sample: 1 / 0

    for name, fit in (("kid", at_fitting), ("recall", at_scoring)):
        monkeypatch.setitem(OPTIONAL, name, OPTIONAL[name]._replace(fit=fit))
    made = suite({"nonsaturating": {}}, seeds=1, steps=50)
    made = made.model_copy(update={"scores": ["kid", "recall", "precision"]})
    runs = sweep.run(made, tmp_path / "out").runs
    assert runs[["kid", "recall"]].isna().all(axis=None) and runs["precision"].notna().all()
    notes = pd.read_csv(tmp_path / "out" / "scores.csv").groupby("score")["note"].unique()
    assert list(notes["kid"]) == ["MemoryError: too large"]
    assert list(notes["recall"]) == ["ZeroDivisionError: division by zero"]


def test_a_sample_is_the_first_of_many_and_its_tally_is_of_all():
    """Of three factors, too: the mode is all of them."""
    task = TASKS["stacked-digits"]()
    x = np.asarray(task.sample(jax.random.key(0), task.held_out, 3000))
    whole = sampled(task, x)
    seen = {}

    def score(sample):
        seen["sample"] = sample
        return Score(0.0, len(sample.x))

    sample_scores({"any": score}, task, x, whole.evidence)
    np.testing.assert_array_equal(seen["sample"].x, x[:2500])
    assert seen["sample"].evidence.n == 3000
    log_p = whole.log_p
    np.testing.assert_array_equal(whole.mode, log_p.argmax(2) @ [100, 10, 1])
    counts = np.bincount(whole.mode[whole.accepted], minlength=1000)
    np.testing.assert_array_equal(counts, whole.evidence.counts)


def test_a_mixtures_two_truths_are_different_draws():
    truth = truth_of(TASKS["ring"]())
    assert len(truth.train().x) == 10_000 and len(truth.held_out.x) == 2500
    assert not {*map(tuple, truth.held_out.x)} & {*map(tuple, truth.train().x)}
