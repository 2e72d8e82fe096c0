"""A kill, a full disk, and a second process, at every moment at which something is written."""

import errno
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from grids import contents, suite
from harm import Killed
from test_checkpoint_files import chunk

from ganbench import sweep
from ganbench.checkpoint import Checkpoints, Saved
from ganbench.errors import BadInput
from ganbench.lock import held
from ganbench.store import Store

#: All that writing a results folder calls.
CALLS = [
    *((os, name) for name in ("replace", "fsync", "open", "pwrite")),
    *((pd.DataFrame, name) for name in ("to_csv", "to_parquet")),
    *((Path, name) for name in ("write_text", "mkdir")),
    *((np, name) for name in ("savez", "savez_compressed")),
]


ERRORS = [Killed(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]


def failing(patch, after, error, calls=CALLS):
    """Every call but the first `after` of them raises; gives how many there were."""
    made = []

    def counted(call):
        def wrapped(*arguments, **keywords):
            made.append(call)
            if len(made) > after:
                raise error
            return call(*arguments, **keywords)

        return wrapped

    for owner, name in calls:
        patch.setattr(owner, name, counted(getattr(owner, name)))
    return made


def small():
    plain = suite({"nonsaturating": {}}, seeds=2, steps=50, evaluations=1)
    return plain.model_copy(update={"methods": []})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(folder, what its groups were stored as, the store's arguments, the order of its rows)."""
    folder, added, opened, order = tmp_path_factory.mktemp("whole") / "out", [], [], []
    add, init, write = Store.add, Store.__init__, Store.write_tables
    with pytest.MonkeyPatch.context() as patch:

        def keeps(into, call):
            def wrapped(self, *arguments):
                into.append(arguments)
                return call(self, *arguments)

            return wrapped

        patch.setattr(Store, "add", keeps(added, add))
        patch.setattr(Store, "__init__", keeps(opened, init))
        patch.setattr(Store, "write_tables", keeps(order, write))
        sweep.run(small(), folder)
    assert len(added) == 3
    return folder, added, opened[0][1:], order[0]


def stored(folder, recorded):
    """Stores what is missing of the recorded groups, as a sweep does."""
    _, added, arguments, order = recorded
    with held(folder):
        store = Store(folder, *arguments)
        store.write_tables(*order)
        for group in added:
            if not {row["cell"] for row in group[0]} <= store.cells():
                store.add(*group)
        store.write_tables(*order)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("every", [13, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_or_a_full_disk_at_a_write_loses_nothing_that_was_finished(
    tmp_path, recorded, error, every
):
    whole = contents(recorded[0])
    with pytest.MonkeyPatch.context() as patch:
        made = failing(patch, 10**9, error)
        stored(tmp_path / "counted", recorded)
        calls = len(made)
    assert calls > 60
    for n in range(0, calls, every):
        folder = tmp_path / str(n)
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, n, error)
            with pytest.raises(Killed if isinstance(error, Killed) else BadInput) as raised:
                stored(folder, recorded)
        if raised.type is BadInput:
            assert str(raised.value) == f"{folder}: cannot be written to: {error.strerror}"
        for path in folder.rglob(".*.tmp"):  # a kill may leave half a file
            if path.is_file():
                path.write_bytes(path.read_bytes()[:300])
        stored(folder, recorded)
        assert contents(folder) == whole, n


def test_a_kill_while_a_group_that_was_stopped_is_replaced(tmp_path, recorded):
    """Removing the old one is more than one call: what is half removed would be nobody's."""
    _, added, arguments, order = recorded
    rows, *rest = added[0]
    stopped = [row | {"status": "failed", "success": False, "reason": "time"} for row in rows]
    removing = [(os, "unlink"), (os, "rmdir")]
    for n in range(99):
        folder = tmp_path / str(n)
        with held(folder):
            store = Store(folder, *arguments)
            store.add(stopped)
            store.write_tables(*order)
            with pytest.MonkeyPatch.context() as patch:
                made = failing(patch, n, Killed(), CALLS + removing)
                with suppress(Killed):
                    store.add(rows, *rest)
        stored(folder, recorded)
        assert contents(folder) == contents(recorded[0]), n
        if len(made) <= n:
            break
    assert 15 < n < 98


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_either_at_any_write_of_a_checkpoint_leaves_one_that_is_whole(tmp_path, error):
    chunks = [chunk(np.random.default_rng(i)) for i in range(4)]
    saved = {n: Saved({"x": np.full(3, n)}, chunks[:n], "p") for n in (2, 4)}
    seen = set()
    for n in range(99):
        folder, told = tmp_path / str(n), []
        keep = Checkpoints(folder)
        keep.write({0: saved[2]})
        with pytest.MonkeyPatch.context() as patch:
            made = failing(patch, n, error)
            with suppress(Killed, BadInput):
                keep.write({0: saved[4]})
        again = Checkpoints(folder, say=told.append)
        found = again.read(0, "p", saved[2].carry)
        assert told == []
        np.testing.assert_array_equal(found.carry["x"], saved[len(found.chunks)].carry["x"])
        seen.add(len(found.chunks))
        again.write({0: saved[4]})  # what the one that goes on writes
        whole = Checkpoints(folder, say=told.append).read(0, "p", saved[2].carry)
        assert len(whole.chunks) == 4 and whole.carry["x"][0] == 4 and told == []
        if len(found.chunks) == 2:  # else there was nothing to write, and so to tidy up
            assert len(list((folder / "0").glob("state-*"))) == 1
        if len(made) <= n:  # none failed
            break
    assert seen == {2, 4} and 10 < n < 98


@pytest.mark.slow
def test_a_sweep_goes_on_after_either(tmp_path):
    sweep.run(small(), tmp_path / "whole")
    whole = contents(tmp_path / "whole")
    for n in range(5, 90, 12):
        for error in ERRORS:
            folder = tmp_path / f"{type(error).__name__}-{n}"
            with pytest.MonkeyPatch.context() as patch:
                made = failing(patch, n, error)
                with pytest.raises((Killed, BadInput)):
                    sweep.run(small(), folder)
                assert len(made) > n
            sweep.run(small(), folder)
            assert contents(folder) == whole, (error, n)


def test_a_second_process_is_told_who_holds_a_folder(tmp_path):
    with held(tmp_path / "out"):
        before = contents(tmp_path / "out")
        me = f"process {os.getpid()} on {socket.gethostname()}, since "
        with pytest.raises(BadInput, match=me):
            sweep.run(small(), tmp_path / "out")
        command = [sys.executable, "-m", "ganbench", "run", "smoke", "--out", tmp_path / "out"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2 and me in done.stderr and "Traceback" not in done.stderr
        assert contents(tmp_path / "out") == before
    assert list((tmp_path / "out").iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path):
    code = f"""
import time
from contextlib import suppress
from pathlib import Path
from ganbench.lock import held
with held(Path({str(tmp_path)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    with pytest.raises(BadInput, match=f"process {process.pid} "), held(tmp_path):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    began = time.monotonic()
    with held(tmp_path):
        assert time.monotonic() - began < 1
