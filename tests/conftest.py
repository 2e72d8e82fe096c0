"""Two CPU devices for every test, set before any backend starts."""

import os

# most of a test's time is compilation of programs that run for milliseconds
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

import jax  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
