"""What is done where memory is short: fewer devices, smaller blocks, a note; never a kill."""

import math

import jax
import numpy as np
import pytest

from ganbench import memory, room
from ganbench.budget import Budget
from ganbench.harness import prepared
from ganbench.program import Lane
from ganbench.tasks.catalogue import TASKS

BUDGET = Budget(
    nets="mlp", width=8, depth=1, latent=2, batch=16, optimizer="adam", b1=0.5, b2=0.999,
    steps=4, evaluations=2, curve_samples=64, final_samples=64, block=2,
)  # fmt: skip
LANES = [Lane(0, i, {"learning_rate": 1e-3}) for i in range(4)]


def trained(said, devices=2):
    made = prepared(
        TASKS["ring"](),
        "nonsaturating",
        {},
        LANES,
        BUDGET,
        jax.devices()[:devices],
        say=said.append,
    )
    return made()[0]


def test_nothing_is_said_where_there_is_room():
    said = []
    trained(said)
    assert said == []


def test_copies_of_data_beyond_a_quarter_of_memory_take_fewer_devices(monkeypatch):
    task = TASKS["ring"]()
    size = task.train.nbytes + task.held_out.nbytes
    monkeypatch.setattr(memory, "total", lambda device: 10**12)
    monkeypatch.setattr(room, "SHARE_OF_DATA", 1.5 * size / 10**12)
    said = []
    few = trained(said)
    assert len(said) == 1 and "1 of 2 devices are used" in said[0]
    monkeypatch.undo()
    for a, b in zip(few, trained([]), strict=True):  # the number of devices changes no bit
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)


@pytest.mark.slow
def test_blocks_wait_for_each_other_where_they_do_not_fit_together(monkeypatch):
    whole = trained([])
    task = TASKS["ring"]()
    made = room.placed(
        task, "nonsaturating", {}, LANES, BUDGET, jax.devices()[:2], {}, lambda told: None
    )
    monkeypatch.setattr(memory, "free", lambda device: 1.5 * made.size / room.SHARE)
    said = []
    for a, b in zip(trained(said), whole, strict=True):
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
    assert len(said) == 1 and said[0].endswith("1 of 2 devices are used")


def test_a_block_that_is_too_large_is_split_and_says_so(monkeypatch):
    whole = trained([])
    made = room.placed(
        TASKS["ring"](),
        "nonsaturating",
        {},
        LANES,
        BUDGET,
        jax.devices()[:2],
        {},
        lambda told: None,
    )
    monkeypatch.setattr(memory, "total", lambda device: 0.9 * made.size / room.SHARE)
    said = []
    split = trained(said)
    assert "a block of 2 lanes takes" in said[0] and "split into blocks of 1" in said[0]
    assert len(split) == len(whole) == 4
    for a, b in zip(split, whole, strict=True):
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5), a.params, b.params)


def test_a_lane_that_is_too_large_is_an_error_and_not_a_kill(monkeypatch):
    monkeypatch.setattr(memory, "total", lambda device: 1)
    with pytest.raises(MemoryError, match="one lane takes"):
        trained([])


@pytest.mark.slow
def test_what_programs_take_grows_with_what_they_make():
    def taken(n):
        return memory.taken(
            [jax.jit(lambda x: x + 1).lower(jax.ShapeDtypeStruct((n,), "f4")).compile()]
        )

    assert taken(10**6) - taken(10**5) == pytest.approx(2 * 4 * 9 * 10**5, rel=0.01)
    assert 0 < memory.free(jax.devices()[0]) < memory.total(jax.devices()[0])


def test_data_lie_once_on_a_device_whatever_the_groups(monkeypatch):
    """Two groups of the same task read the same array; one of another task takes its place."""
    device = jax.devices()[0]
    ring, grid = TASKS["ring"](), TASKS["grid"]()
    args = ("nonsaturating", {}, LANES, BUDGET, [device], {}, lambda told: None)
    first, second = (room.placed(ring, *args).compiled.programs[0].shared.train for _ in range(2))
    assert first is second
    other = room.placed(grid, *args).compiled.programs[0].shared.train
    assert other.shape == grid.train.shape


def test_control_groups_that_hold_this_process_limit_it(tmp_path):
    """A limit may stand further out, and pages of files do not count."""

    def group(path, files, stat):
        folder = tmp_path / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.stat").write_text(f"anon 1\n{stat}\n")
        for name, text in files.items():
            (folder / name).write_text(text)

    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    group("a/b", {"memory.max": "max", "memory.current": "7"}, "inactive_file 1")
    group("a", {"memory.max": "100", "memory.current": "30"}, "inactive_file 10")
    assert list(memory.control_groups(own, tmp_path)) == [(100, 20)]
    own.write_text("3:cpu,cpuacct:/x\n2:memory:/x\n0::/\n")
    names = {"memory.limit_in_bytes": "50", "memory.usage_in_bytes": "9"}
    group("memory/x", names, "total_inactive_file 4")
    group("memory", {**names, "memory.limit_in_bytes": "60"}, "total_inactive_file 0")
    assert list(memory.control_groups(own, tmp_path)) == [(50, 5), (60, 9)]
    own.write_text("2:memory:/of/the/host\n")  # seen from a container
    assert list(memory.control_groups(own, tmp_path)) == [(60, 9)]
    assert list(memory.control_groups(tmp_path / "none", tmp_path)) == []


def test_memory_is_what_a_control_group_leaves(monkeypatch):
    groups = [memory.ControlGroup(10**9, 4 * 10**8), memory.ControlGroup(2 * 10**9, 0)]
    monkeypatch.setattr(memory, "control_groups", lambda: iter(groups))
    device = jax.devices()[0]
    assert memory.total(device) == 10**9 and memory.free(device) == 6 * 10**8
    monkeypatch.setattr(memory, "control_groups", lambda: iter([]))
    assert memory.total(device) > memory.free(device) > 10**9


def test_how_many_lanes_a_block_had_is_written_down(monkeypatch):
    task = TASKS["ring"]()
    args = (task, "nonsaturating", {}, LANES, BUDGET, jax.devices()[:1])
    assert prepared(*args)()[1].block == 2
    size = room.placed(*args, {}, lambda told: None).size
    monkeypatch.setattr(memory, "total", lambda device: 0.9 * size / room.SHARE)
    assert prepared(*args)()[1].block == 1


def starved(monkeypatch, alone, what="advance"):
    """`what` of the second device runs out of memory; of the first too, if `alone`."""
    real = room.at_once

    def refuses(*given):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")

    def at_once(made, say):
        first, second = real(made, say)
        first = first._replace(**{what: refuses}) if alone else first
        return [first, second._replace(**{what: refuses})]

    monkeypatch.setattr("ganbench.harness.at_once", at_once)


def test_blocks_that_run_out_of_memory_together_are_trained_in_turn(monkeypatch):
    whole, said, told = trained([]), [], []
    starved(monkeypatch, alone=False)
    made = prepared(
        TASKS["ring"](), "nonsaturating", {}, LANES, BUDGET, jax.devices()[:2], say=said.append
    )
    few, _ = made(told.append)
    for a, b in zip(few, whole, strict=True):
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
    assert said == ["ring nonsaturating: out of memory: 1 of 2 blocks at once now"]
    assert sum(told) == 4 * BUDGET.steps  # what was undone is taken back


def test_so_are_blocks_that_run_out_of_it_as_they_are_made(monkeypatch):
    whole, said = trained([]), []
    starved(monkeypatch, alone=False, what="start")
    for a, b in zip(trained(said), whole, strict=True):
        jax.tree.map(np.testing.assert_array_equal, a.params, b.params)
    assert said == ["ring nonsaturating: out of memory: 1 of 2 blocks at once now"]


def test_memory_may_be_shared_out_among_processes(monkeypatch):
    monkeypatch.setattr(memory, "_allowed", math.inf)
    device = jax.devices()[0]
    before = memory.total(device)
    memory.allow(before / 2)
    assert memory.total(device) == before // 2 and memory.free(device) < before / 2
    memory.allow(1)
    assert memory.free(device) == 0


def test_one_block_that_runs_out_of_memory_is_an_error(monkeypatch):
    starved(monkeypatch, alone=True)
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        trained([])
