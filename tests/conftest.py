"""Two CPU devices for every test, set before any backend starts; one cache for all workers."""

import atexit
import gc
import os
import shutil
import tempfile

# most of a test's time is compilation of programs that run for milliseconds
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    + " --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)
# a cache of their own, empty at the start: nothing of a user's is read or written; set in the
# environment, so that pytest's workers share it
if "GANBENCH_TEST_CACHE" not in os.environ:
    os.environ["GANBENCH_TEST_CACHE"] = tempfile.mkdtemp(prefix="ganbench-tests-")
    atexit.register(shutil.rmtree, os.environ["GANBENCH_TEST_CACHE"], ignore_errors=True)
CACHE = os.environ["GANBENCH_TEST_CACHE"]

import jax  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
jax.config.update("jax_compilation_cache_dir", CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


# tracing makes millions of objects that stay: looking through them for garbage takes a tenth of all
gc.set_threshold(100_000, 50, 100)


def pytest_collection_finish():
    gc.freeze()


def _method(item):
    params = getattr(getattr(item, "callspec", None), "params", {})
    return str(params.get("name", params))


def pytest_collection_modifyitems(items):
    """Tests of one method stand together, so that a worker compiles what they share once."""
    shared = [item for item in items if item.path.name in ("test_conformance.py", "test_stacks.py")]
    names = {item: _method(item) for item in shared}
    ordered = iter(sorted(shared, key=lambda item: names[item]))
    items[:] = [next(ordered) if item in names else item for item in items]
