"""The process's surroundings: cores, devices, compilation cache. Nothing runs on import."""

import hashlib
import importlib
import inspect
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import platformdirs

from ganbench.errors import BadInput

_PLATFORMS = ("cpu", "gpu", "tpu")


def cores() -> int:
    """The processor cores this process may use: its affinity, within its cgroup's quota."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return mine if quota == "max" else max(1, min(mine, int(quota) // int(period)))
    except (OSError, ValueError):
        return mine


def processor() -> str:
    """What code compiled for this machine's processors may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        return platform.processor()


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


def compiler_options(device: jax.Device) -> dict[str, Any]:
    """What XLA is asked for on `device`, unless `XLA_FLAGS` says otherwise.

    On a CPU its second lowest level of optimization: a quarter less time in the compiler than at
    the highest, and steps as fast (the products of matrices come from a library either way).
    """
    flag = "xla_backend_optimization_level"
    if device.platform != "cpu" or flag in os.environ.get("XLA_FLAGS", ""):
        return {}
    return {flag: 1}


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


def set_devices(device: str | None) -> None:
    """Chooses what to train on, before the backend starts: "cpu", "gpu", "tpu" or "cpu:COUNT".

    On the CPU there is one device a core unless COUNT says otherwise. On a GPU deterministic
    operations are asked for.

    Raises:
        BadInput: not of that form.
    """
    name, _, count = (device or "").partition(":")
    if device is not None and name not in _PLATFORMS:
        raise BadInput(f"--device: {device!r} is none of cpu, cpu:COUNT, gpu, tpu")
    if count and (name != "cpu" or not (count.isascii() and count.isdecimal()) or int(count) < 1):
        raise BadInput(f"--device: {device!r}: COUNT goes with cpu and is at least 1")
    if device is not None:
        jax.config.update("jax_platforms", "cuda" if name == "gpu" else name)
    jax.config.update("jax_num_cpu_devices", int(count) if count else cores())
    flag = "--xla_gpu_deterministic_ops=true"
    if flag not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flag}".strip()


def devices() -> list[jax.Device]:
    """The devices to train on.

    Raises:
        BadInput: the platform that was asked for is not here.
    """
    try:
        return jax.devices()
    except (RuntimeError, AssertionError):  # JAX asserts where a platform's plug-in is missing
        config: Any = jax.config
        wanted = config.jax_platforms or "device"
        raise BadInput(f"--device: this machine has no {wanted} that JAX can use") from None
