"""The same programs for every device."""

import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jaxlib
from jax.sharding import SingleDeviceSharding

from ganbench.canonical import digest
from ganbench.compilation_cache import one_entry_for_all_devices
from ganbench.runtime import compiler_options, processor

_one_at_a_time = threading.Lock()  # two threads with one module would both miss it in the cache


class Everywhere(NamedTuple):
    """Programs by device and name; their jaxprs; seconds to trace and lower all, and the most that
    XLA took for one program on one device.
    """

    programs: list[dict[str, Any]]
    jaxprs: dict[str, Any]
    digest: str  # of the code as XLA gets it, its options and version, and the kind of device
    trace_s: float
    compile_s: float


def compile_everywhere(
    functions: Mapping[str, tuple[Any, tuple]], devices: Sequence[jax.Device]
) -> Everywhere:
    """Compiles every function for every device.

    Every device gets the same single-device module, compiled once: the first device's code is
    found in the compilation cache by the others. One module partitioned over the devices would be
    simpler, but XLA optimizes a partitioned module differently from a whole one: its results
    differ in the last bit between one device and two, and a GAN makes that difference grow.

    Args:
        functions: name -> (jitted function, its arguments or their shapes), the longest to compile
            first: XLA works on all of them at once.
    """
    options = compiler_options(devices[0])
    traced: dict[str, Any] = {}

    def lowered(name: str, device: jax.Device) -> Any:
        function, given = functions[name]
        here = SingleDeviceSharding(device)
        on = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here), given)
        traced[name] = function.trace(*on)
        return traced[name].lower()

    def compiled(module: Any) -> tuple[Any, float]:
        clock = time.perf_counter()
        return module.compile(compiler_options=options), time.perf_counter() - clock

    began = time.perf_counter()
    modules = [[lowered(name, device) for name in functions] for device in devices]
    trace_s = time.perf_counter() - began
    with (
        _one_at_a_time,
        one_entry_for_all_devices(devices[0]),
        ThreadPoolExecutor(len(functions)) as pool,
    ):
        made = [list(pool.map(compiled, own)) for own in modules]
    code = "".join(f"{name}\n{x.as_text()}" for name, x in zip(functions, modules[0], strict=True))
    device = devices[0].device_kind, processor() if devices[0].platform == "cpu" else ""
    kind = [code, options, jaxlib.__version__, device, os.environ.get("XLA_FLAGS")]
    programs = [dict(zip(functions, (p for p, _ in each), strict=True)) for each in made]
    longest = max(seconds for each in made for _, seconds in each)
    jaxprs = {name: own.jaxpr for name, own in traced.items()}
    return Everywhere(programs, jaxprs, digest(kind), trace_s, longest)
