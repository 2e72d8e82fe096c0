"""Layers of `dcgan` three ways, as training meets them: inside `scan`, lanes with own kernels.

    python benchmarks/convolutions.py

Milliseconds a lane for a layer and its gradients of kernels and images, batches of 64: Flax's own
layer, patches times a matrix, and the library by `ganbench.convolution`; then for the gradients of
a penalty on the slope at images, as R1's discriminators have them. One core: on Linux pin it with
`taskset -c 0`. Ratios hold across machines better than times.
"""

import time
from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from ganbench.runtime import compiler_options, set_devices
from ganbench.zoo.convolution import Conv, ConvTranspose, PatchConv, PatchConvTranspose

BATCH, STEPS, TIMES = 64, 4, 6
DOWN = [(28, 3, 8), (14, 8, 16), (7, 16, 32)]  # side, channels before, channels after
UP = [(4, 32, 16), (7, 16, 8), (14, 8, 3)]


def ways(up: bool, features: int) -> dict[str, nn.Module]:
    if up:
        theirs = nn.ConvTranspose(features, (4, 4), (2, 2), "SAME")
        return {
            "flax": theirs,
            "patches": PatchConvTranspose(features, 4),
            "library": ConvTranspose(features, 4),
        }
    theirs = nn.Conv(features, (4, 4), 2, "SAME")
    return {"flax": theirs, "patches": PatchConv(features, 4), "library": Conv(features, 4)}


def value(module: nn.Module, params, x: jax.Array) -> jax.Array:
    return jnp.sum(jnp.sin(module.apply(params, x)))


def slope(module: nn.Module, params, x: jax.Array) -> jax.Array:
    """The penalty, whose gradients are of second order."""
    return jnp.sum(jax.grad(value, 2)(module, params, x) ** 2)


def milliseconds(loss: Callable, module: nn.Module, x: jax.Array) -> float:
    """Of one step of one lane."""
    lanes = len(x)
    keys = jax.random.split(jax.random.key(1), lanes)
    params = jax.vmap(module.init)(keys, x)

    def step(carry, _):
        by_params, by_x = jax.vmap(jax.grad(partial(loss, module), (0, 1)))(*carry)
        return jax.tree.map(lambda a, b: a - 1e-6 * b, carry, (by_params, by_x)), None

    run: Callable = jax.jit(lambda *carry: jax.lax.scan(step, carry, None, length=STEPS)[0])
    device = jax.devices()[0]
    made = run.lower(params, x).compile(compiler_options(device))  # type: ignore[attr-defined]
    jax.block_until_ready(made(params, x))
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        jax.block_until_ready(made(params, x))
        taken.append(time.perf_counter() - begun)
    return 1e3 * min(taken) / STEPS / lanes


def main() -> None:
    set_devices(None)
    measured("gradients", value)
    measured("gradients of a penalty", slope)


def measured(title: str, loss: Callable) -> None:
    print(f"\n| {title} | lanes | flax | patches | library |\n|---|---|---|---|---|")
    totals: dict[tuple[int, str], float] = {}
    for up, shapes in ((False, DOWN), (True, UP)):
        for side, before, after in shapes:
            for lanes in (1, 4):
                x = jax.random.normal(jax.random.key(0), (lanes, BATCH, side, side, before))
                took = {name: milliseconds(loss, m, x) for name, m in ways(up, after).items()}
                for name, ms in took.items():
                    totals[lanes, name] = totals.get((lanes, name), 0.0) + ms
                label = f"{'up' if up else 'down'} {side} x {side}, {before} to {after}"
                print(
                    f"| {label} | {lanes} | " + " | ".join(f"{v:.1f}" for v in took.values()) + " |"
                )
    for lanes in (1, 4):
        row = " | ".join(f"{totals[lanes, name]:.1f}" for name in ("flax", "patches", "library"))
        print(f"| all | {lanes} | {row} |")


main()
