"""A checkpoint's files: what is read is what was written, by the same program, or nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import psutil
import pytest

from ganbench.checkpoint import Checkpoints, Saved
from ganbench.conformance.trial import KEY, made
from ganbench.errors import BadInput
from ganbench.metrics.evidence import Tally
from ganbench.record import Chunk, Scored
from ganbench.registry import kinds


def chunk(rng):
    tallies = Tally(*(rng.random((2, 3)).astype(np.float32) for _ in Tally._fields))
    scored = Scored(tallies, rng.random((2, 3)), rng.random((2, 5, 2)).astype(np.float32))
    info = {"loss/d": rng.random((2, 50)).astype(np.float32), "d/x": np.full((2, 50), np.nan)}
    inner = {"spectrum": {"radius/a": rng.random(2) + 1j}, "nothing": {}}
    return Chunk(info, scored, inner, 0.25)


def same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = (jax.random.key_data(z) if jnp.issubdtype(z.dtype, jax.dtypes.prng_key) else z
                for z in map(jnp.asarray, (x, y)))  # fmt: skip
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))


def test_what_is_not_ours_is_not_unpacked(tmp_path, monkeypatch):
    """A checkpoint of megabytes may hold as much as the machine has."""
    carry = {"x": np.zeros(10**6)}
    folder, told = tmp_path / "inflight/a", []
    Checkpoints(folder).write({0: Saved(carry, [chunk(np.random.default_rng(0))], "p")})
    free = psutil.virtual_memory()._replace(available=10**6)
    with monkeypatch.context() as patch:
        patch.setattr(psutil, "virtual_memory", lambda: free)
        with pytest.raises(BadInput, match="state-1.npz: cannot be read: .* bytes when unpacked"):
            Checkpoints(folder, say=told.append).read(0, "p", carry)
        assert told == [] and (folder / "0").is_dir()  # with more memory it can be
        assert Checkpoints(folder, say=told.append).read(0, "another", carry) is None
    assert "made otherwise" in told[0]


def test_a_checkpoint_that_cannot_be_read_now_stays(tmp_path, monkeypatch):
    saved = Saved({"x": np.zeros(3)}, [chunk(np.random.default_rng(0))], "p")
    keep = Checkpoints(tmp_path / "inflight/group")
    keep.write({0: saved})

    def raising(error):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(
            "ganbench.checkpoint.checksum", lambda path: raising(OSError("Input/output error"))
        )
        with pytest.raises(BadInput, match="cannot be read: Input/output error"):
            keep.read(0, "p", saved.carry)
    for error in (OSError(5, "Input/output error"), MemoryError()):
        with monkeypatch.context() as patch:
            patch.setattr(np, "load", lambda *given, error=error, **how: raising(error))
            with pytest.raises(
                BadInput, match="cannot be read: (Input/output|there is too little)"
            ):
                keep.read(0, "p", saved.carry)
    assert len(keep.read(0, "p", saved.carry).chunks) == 1


def test_a_kill_before_the_first_was_whole_is_no_damage(tmp_path):
    told = []
    (tmp_path / "group/0").mkdir(parents=True)
    (tmp_path / "group/0/chunks-0.npz").write_bytes(b"half")
    assert Checkpoints(tmp_path / "group", say=told.append).read(0, "p", {}) is None
    assert told == [] and not (tmp_path / "group/0").exists()


def test_what_is_read_is_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    carry = {
        "half": jnp.arange(6, dtype=jnp.bfloat16).reshape(2, 3),
        "key": jax.random.split(jax.random.key(3), 2),
        "other": jax.random.key(1, impl="rbg"),
        "count": jnp.int32(7),
        "nothing": jnp.zeros((2, 0)),
    }
    chunks = [chunk(rng) for _ in range(3)]
    folder = tmp_path / "inflight/a"
    first = Checkpoints(folder)
    first.write({4: Saved(carry, chunks[:2], "p")})
    first.write({4: Saved(carry, chunks[:2], "p")})  # nothing new
    first.write({4: Saved(carry, chunks, "p")})
    told = []
    again = Checkpoints(folder, say=told.append)
    found = again.read(4, "p", carry)
    same(found.carry, carry)
    assert len(found.chunks) == 3 and found.chunks[2].diagnosed.keys() == {"spectrum", "nothing"}
    for one, other in zip(found.chunks, chunks, strict=True):
        same(one.info, other.info)
        same(one.scored, other.scored)
        assert one.seconds == other.seconds
        np.testing.assert_array_equal(
            one.diagnosed["spectrum"]["radius/a"], other.diagnosed["spectrum"]["radius/a"]
        )
    assert again.read(5, "p", carry) is None and told == []
    other = Checkpoints(folder, say=told.append, made_with={"numpy": "0"})
    for keep, made_by in ((again, "another"), (other, "p")):
        assert keep.read(4, made_by, carry) is None and "made otherwise" in told[-1]
        assert keep.read(4, made_by, carry) is None  # it is out of the way
        (tmp_path / "damaged/a.4").rename(folder / "4")
    assert len(told) == 2 and again.read(4, "p", carry)


def test_a_state_of_other_shapes_is_not_taken(tmp_path):
    folder = tmp_path / "inflight/a"
    chunks = [chunk(np.random.default_rng(0))]
    Checkpoints(folder).write({0: Saved({"x": np.zeros(3, np.float32)}, chunks, "p")})
    for other in (np.zeros(4, np.float32), np.zeros(3, np.int32)):
        assert Checkpoints(folder).read(0, "p", {"x": other}) is None
        (tmp_path / "damaged/a.0").rename(folder / "0")


@pytest.mark.parametrize("kind", ["base", "modifier"])
def test_the_state_of_every_method_is_written_and_read(tmp_path, kind):
    for name in kinds(kind):
        shapes = jax.eval_shape(made(name).init, KEY)
        rng = np.random.default_rng(0)

        def filled(x, rng=rng):
            if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
                return jax.random.split(jax.random.key(0), x.shape)
            return jnp.asarray(rng.integers(0, 2, x.shape)).astype(x.dtype)

        state = jax.tree.map(filled, shapes)
        keep = Checkpoints(tmp_path / name)
        keep.write({0: Saved(state, [chunk(rng)], "p")})
        same(Checkpoints(tmp_path / name).read(0, "p", state).carry, state)


def test_checkpoints_take_no_more_than_their_share(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("ganbench.checkpoint.time.monotonic", lambda: clock[0])
    keep = Checkpoints(tmp_path, every=15)
    assert not keep.due()
    clock[0] = 15
    assert keep.due()
    real = Checkpoints._write

    def slow(self, *what):
        clock[0] += 2
        return real(self, *what)

    monkeypatch.setattr(Checkpoints, "_write", slow)
    keep.write({0: Saved({}, [chunk(np.random.default_rng(0))], "p")})
    clock[0] = 17 + 99  # two seconds are 2 % of a hundred
    assert not keep.due()
    clock[0] = 17 + 100
    assert keep.due()
