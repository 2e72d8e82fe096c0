"""Every registered method and stack, built small."""

import jax
import jax.numpy as jnp

from ganbench import registry
from ganbench.assembly import assemble
from ganbench.game import Optimizer, touched
from ganbench.parts import adam
from ganbench.registry import METHODS, kinds, names_of, parameters, resolve
from ganbench.setting import Setting
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

KEY, BATCH = jax.random.key(5), 8
BASES, MODIFIERS = kinds("base"), kinds("modifier")


def setting(rate=1e-2, dtype=jnp.float32, task="ring"):
    made = TASKS[task]()
    nets = zoo("mlp", Sizes(made.shape, 2, 8, 1))
    train, held_out = (jnp.asarray(x, dtype) for x in (made.train, made.held_out))
    return Setting(made, train, held_out, BATCH, 2, 100, nets, Optimizer(adam(0.5, 0.999), rate))


def doubled(x):
    """A leaf of a state in float64, as nets draw their first parameters in float32."""
    return x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x


def small(stack):
    """Hyperparameters with which few steps reach everything: no count or period is above two."""
    own = [(f"{n}.{p.name}", p.default) for n in names_of(stack) for p in parameters(n)]
    return resolve(stack, {name: min(d, 2) for name, d in own if type(d) is int})


def made(stack, rate=1e-2, dtype=jnp.float32, build=assemble, **changed):
    return registry.make(stack, small(stack) | changed, setting(rate, dtype), build)


def slots_of(modifier):
    """What of the recipe the modifier replaces or wraps."""
    own = {p.name: p.default for p in parameters(modifier)}
    before = registry.recipe("nonsaturating", {}, setting())
    return touched(METHODS[modifier].factory(**own), before)
