"""Entries of the compilation cache: one for all CPU devices, and whole."""

import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from harm import Killed
from jax._src import cache_key, lru_cache
from jax.experimental.compilation_cache import compilation_cache
from jax.sharding import SingleDeviceSharding

from ganbench.compilation_cache import one_entry_for_all_devices, use_compilation_cache


@pytest.fixture
def cache(tmp_path):
    """An empty compilation cache; afterwards the tests' own again."""
    before = jax.config.jax_compilation_cache_dir
    compilation_cache.reset_cache()
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    compilation_cache.reset_cache()
    jax.config.update("jax_compilation_cache_dir", before)


def compiled_on_each_device():
    """What a function gives when compiled for, and called on, each device."""
    for device in jax.devices():
        x = jax.device_put(np.arange(4, dtype=np.float32), SingleDeviceSharding(device))
        program = jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x)).lower(x).compile()
        y = program(x)
        assert y.devices() == {device}
        yield float(y)


def entries(cache):
    return len(list(cache.glob("*-cache")))


def test_devices_share_an_entry_and_run_on_their_own(cache):
    with one_entry_for_all_devices(jax.devices()[0]):
        first, second = compiled_on_each_device()
    assert entries(cache) == 1
    assert first == second
    np.testing.assert_allclose(first, np.sin(np.arange(4)) @ np.cos(np.arange(4)), rtol=1e-6)


def test_without_the_wrapper_there_are_two(cache):
    with one_entry_for_all_devices(jax.devices()[0]):
        pass
    list(compiled_on_each_device())
    assert entries(cache) == 2


def test_a_renamed_function_costs_time_only(cache, monkeypatch):
    real = cache_key._hash_serialized_compile_options
    monkeypatch.delattr(cache_key, "_hash_serialized_compile_options")
    with one_entry_for_all_devices(jax.devices()[0]):
        # gone where it is looked up, back where JAX uses it
        monkeypatch.setattr(cache_key, "_hash_serialized_compile_options", real, raising=False)
        first, second = compiled_on_each_device()
    assert entries(cache) == 2
    assert first == second


def test_an_entry_that_a_kill_cuts_short_is_not_there(cache):
    """JAX would warn of it, compile anew, and leave it as it is."""
    use_compilation_cache()

    def killed(path, data):
        with Path(path).open("wb") as file:
            file.write(data[:100])
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(lru_cache.pathlib.Path("/")), "write_bytes", killed)
        with pytest.raises(Killed):
            next(compiled_on_each_device())
    assert entries(cache) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = list(compiled_on_each_device())
        assert entries(cache) == 2
        assert list(compiled_on_each_device()) == first
