"""JAX's cache of compiled programs on disk: one entry for all devices, whole or not there."""

import hashlib
import importlib
import inspect
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any

import jax
import platformdirs

from ganbench.runtime import processor


def use_compilation_cache() -> None:
    """Turns on JAX's persistent cache in the user's cache folder, unless one is set already.

    The folder is keyed by the processor's features and JAX's version: code compiled for another
    processor may not run on this one.
    """
    config: Any = jax.config  # its options are not attributes that a type checker knows
    if config.jax_compilation_cache_dir is None:
        key = f"{processor()} {platform.machine()} {jax.__version__}"
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        folder = Path(platformdirs.user_cache_dir("ganbench")) / "xla" / name
        jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    _write_whole_entries()


def _write_whole_entries() -> None:
    """Has entries written into a folder of their own and renamed.

    JAX writes them in place and never again: one that a kill cut short would be warned of, and its
    program compiled anew, by every process that ever asks for it. There is no option for this, so a
    private method of JAX is wrapped; should a JAX not have it, it writes as it does.
    """
    with suppress(ImportError, AttributeError):
        cache = importlib.import_module("jax._src.lru_cache").LRUCache
        if not hasattr(cache.put, "__wrapped__"):
            cache.put = _whole(cache.put)


def _whole(put: Any) -> Any:
    @wraps(put)
    def wrapped(self: Any, key: str, value: bytes) -> None:
        # where a size is set there are locks, and times beside entries; a bucket has no renaming
        if self.eviction_enabled or "://" in str(self.path):
            return put(self, key, value)
        with tempfile.TemporaryDirectory(dir=self.path, prefix=".half") as beside:
            put(type(self)(beside, max_size=-1), key, value)
            for entry in Path(beside).iterdir():
                os.replace(entry, Path(self.path) / entry.name)

    return wrapped


@contextmanager
def one_entry_for_all_devices(device: jax.Device) -> Iterator[None]:
    """Inside, a single-device module compiled for one CPU is found in the cache by the others.

    JAX leaves the device out of the cache's key on GPUs alone; code for a CPU names its device as
    little, and is loaded for the one that asks. There is no option for this, so a private function
    of JAX is wrapped. Should a JAX not have it as it is now, should the cache be off or `device` be
    no CPU, each device compiles for itself, with equal results.
    """
    name, option = "_hash_serialized_compile_options", "strip_device_assignment"
    try:
        module = importlib.import_module("jax._src.cache_key")
        wrapped = getattr(module, name)
        known = option in inspect.signature(wrapped).parameters
    except (ImportError, AttributeError):
        known = False
    if not known or device.platform != "cpu":
        yield
        return

    def without_device(hashed: Any, options: Any, **given: Any) -> Any:
        return wrapped(hashed, options, **{**given, option: True})

    setattr(module, name, without_device)
    try:
        yield
    finally:
        setattr(module, name, wrapped)
