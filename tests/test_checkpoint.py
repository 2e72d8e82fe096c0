"""A group that is killed on its way goes on from its last checkpoint, to the same numbers."""

import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from grids import contents, suite
from harm import Killed, cut, flipped

from ganbench import program, sweep
from ganbench.checkpoint import Checkpoints
from ganbench.progress import Progress
from ganbench.registry import kinds

CHUNKS, EVERY = 4, 50


def small(methods=None, seeds=5, **more):
    """Five seeds in blocks of two: on two devices a second wave, with padding."""
    steps = CHUNKS * EVERY
    plain = suite(methods or {"gap": {}}, seeds=seeds, steps=steps)
    return plain.model_copy(update=more)


def trained(asked, folder, killed_after=None, **more):
    """Trains a suite; gives the steps times lanes of each `advance` of its methods."""
    told, now = [], []

    def advance(lane_steps):
        if now[-1].split()[1] in kinds("reference"):
            return
        told.append(lane_steps)
        if len(told) == killed_after:
            raise Killed

    progress = Progress(group=now.append, advance=advance, **more.pop("watch", {}))
    how = {"devices": jax.devices()[:2], "checkpoint_every": 0.0} | more
    try:
        sweep.run(asked, folder, progress=progress, **how)
    except Killed:
        assert killed_after is not None
    return told


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "out"
    # what is resumed is told first, of every block: nothing, as nothing was there
    assert trained(small(), folder) == [0, 0, *[200] * CHUNKS, 0, *[50] * CHUNKS]
    assert not (folder / sweep.IN_FLIGHT).exists()
    return folder


@pytest.mark.parametrize("at", range(CHUNKS))
def test_a_killed_group_goes_on_where_it_was(whole, tmp_path, at):
    """Killed as its evaluation is told, before that one is saved: what went before is there."""
    trained(small(), tmp_path / "out", killed_after=3 + at)
    again = trained(small(), tmp_path / "out")
    assert again == [100 * at, 100 * at, *[200] * (CHUNKS - at), 0, *[50] * CHUNKS]
    assert contents(tmp_path / "out") == contents(whole)


def test_waves_that_are_done_are_not_trained_again(whole, tmp_path):
    trained(small(), tmp_path / "out", killed_after=2 + CHUNKS + 1 + 3)
    again = trained(small(), tmp_path / "out")
    assert again == [100 * CHUNKS, 100 * CHUNKS, 50 * 2, *[50] * (CHUNKS - 2)]
    assert contents(tmp_path / "out") == contents(whole)


def test_it_may_go_on_with_another_number_of_devices(whole, tmp_path):
    for n, other in ((1, 2), (2, 1)):
        folder = tmp_path / str(n)
        trained(small(), folder, killed_after=5, devices=jax.devices()[:n])
        again = trained(small(), folder, devices=jax.devices()[:other])
        assert sum(again) == 5 * CHUNKS * EVERY and max(again) > 0
        assert contents(folder) == contents(whole)


@pytest.mark.slow
def test_twice_killed_and_everything_asked_for(tmp_path):
    """Counters, keys, optimizers, averages, and what diagnostics have seen."""
    methods = {"gap+ema": {}, "optimistic-adam": {}, "instance-noise": {}, "lookahead": {}}
    asked = small(methods, diagnostics={"spectrum": 2, "conditioning": 3})
    trained(asked, tmp_path / "whole")
    for first, second in ((4, 3), (12, 9), (17, 5)):
        folder = tmp_path / f"{first}-{second}"
        trained(asked, folder, killed_after=first)
        trained(asked, folder, killed_after=second)
        trained(asked, folder)
        assert contents(folder) == contents(tmp_path / "whole")


def test_a_time_limit_loses_nothing_but_the_evaluation_in_hand(whole, tmp_path):
    class Clock:
        """Its time is up at the second evaluation of the method."""

        def __init__(self):
            self.told = 0

        def advance(self, lane_steps):
            self.told += lane_steps

        def monotonic(self):
            return 99.0 if self.told > 3 * 5 * CHUNKS * EVERY + 250 else 0.0

    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "time", clock)
        progress = Progress(advance=clock.advance)
        cut = sweep.run(small(), tmp_path / "out", progress=progress, max_minutes=1)
    assert "Stopped: time limit" in set(cut.runs["reason"])
    again = trained(small(), tmp_path / "out")
    assert again[:2] == [200, 200]
    after, before = contents(tmp_path / "out"), contents(whole)
    assert {n: x for n, x in after.items() if not n.startswith("groups")} == {
        n: x for n, x in before.items() if not n.startswith("groups")
    }


@pytest.mark.parametrize("harm", [cut, flipped], ids=lambda harm: harm.__name__)
def test_a_damaged_checkpoint_is_named_and_its_block_begins_anew(whole, tmp_path, harm):
    trained(small(), tmp_path / "killed", killed_after=5)
    rng, flight = np.random.default_rng(4), tmp_path / "killed" / sweep.IN_FLIGHT
    files = sorted(p.relative_to(tmp_path / "killed") for p in flight.rglob("0/*"))
    assert len(files) == 4  # two of chunks, the state, the checksums
    for i, name in enumerate(files):
        folder, notes = tmp_path / str(i), []
        shutil.copytree(tmp_path / "killed", folder)
        harm(folder / name, rng)
        again = trained(small(), folder, watch={"note": notes.append})
        (told,) = notes
        (aside,) = (folder / "damaged").iterdir()
        assert told.startswith(f"{folder / name.parent}: altered, cut short"), told
        assert str(aside) in told and len([*aside.iterdir()]) == 4
        assert again[:2] == [0, 200]  # block 0 anew, block 1 from where it was
        shutil.rmtree(folder / "damaged")
        assert contents(folder) == contents(whole)


def test_blocks_that_are_done_between_two_checkpoints_are_in_the_next(whole, tmp_path, monkeypatch):
    """A wave may take less time than lies between two checkpoints."""
    now = iter([False] * CHUNKS + [True])

    def due(self):
        return self.folder.name.startswith("grid_gap_") and next(now, False)

    monkeypatch.setattr(Checkpoints, "due", due)
    trained(small(), tmp_path / "out", killed_after=2 + CHUNKS + 1 + 2)
    monkeypatch.undo()
    again = trained(small(), tmp_path / "out")
    assert again == [100 * CHUNKS, 100 * CHUNKS, 50, *[50] * (CHUNKS - 1)]
    assert contents(tmp_path / "out") == contents(whole)


@pytest.mark.parametrize("what", ["rate", "hyperparameter"])
def test_lanes_in_another_order_do_not_go_on_from_each_others_states(tmp_path, what):
    """Equal cells, equal program: what tells them apart is which lane is where."""

    def asked(values):
        rate = {"learning_rate": values} if what == "rate" else {}
        own = {} if what == "rate" else {"hyperparameters": {"r1.gamma": values}}
        plain = suite({"r1": own}, seeds=1, steps=CHUNKS * EVERY)
        table = plain.tasks["grid"].model_copy(update=rate)
        return plain.model_copy(update={"tasks": {"grid": table}})

    trained(asked([1e-2, 1e-3]), tmp_path / "whole")
    trained(asked([1e-3, 1e-2]), tmp_path / "out", killed_after=1 + 2)
    told = []
    again = trained(asked([1e-2, 1e-3]), tmp_path / "out", watch={"note": told.append})
    assert again == [0, *[100] * CHUNKS] and "made otherwise" in told[0]
    shutil.rmtree(tmp_path / "out/damaged")
    one, other = contents(tmp_path / "out"), contents(tmp_path / "whole")
    assert {n: x for n, x in one.items() if n.endswith(("runs.csv", "board.csv", "parquet"))} == {
        n: x for n, x in other.items() if n.endswith(("runs.csv", "board.csv", "parquet"))
    }


@pytest.mark.parametrize("what", ["program", "package"])
def test_what_another_program_or_package_left_is_not_gone_on_with(
    whole, tmp_path, monkeypatch, what
):
    """A method that was edited has the same name, lanes and shapes."""
    trained(small(), tmp_path / "out", killed_after=5)
    if what == "program":
        finite = program._finite
        edited = lambda info, state: finite(info, state) & ~jnp.zeros((), bool)  # noqa: E731
        monkeypatch.setattr(program, "_finite", edited)
    else:
        monkeypatch.setattr(sweep, "versions", lambda: {"jax": "0"})
    told = []
    again = trained(small(), tmp_path / "out", watch={"note": told.append})
    assert again[:2] == [0, 0] and len(told) == 2 and all("made otherwise" in x for x in told)
    shutil.rmtree(tmp_path / "out/damaged")
    assert contents(tmp_path / "out") == contents(whole)


def test_what_nobody_goes_on_with_is_removed(whole, tmp_path):
    """A kill after a group was stored, or another plan, leaves checkpoints behind."""
    folder = tmp_path / "out"
    shutil.copytree(whole, folder)
    (folder / sweep.IN_FLIGHT / "grid_gap_0/0").mkdir(parents=True)
    assert trained(small(), folder) == []
    assert contents(folder) == contents(whole) and not (folder / sweep.IN_FLIGHT).exists()
