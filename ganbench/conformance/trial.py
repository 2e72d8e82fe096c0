"""A registered method built small and trained for a few steps, for what it must do to be seen."""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pydantic

from ganbench import registry
from ganbench.assembly import assemble
from ganbench.game import Data, Method, Optimizer, Players
from ganbench.parts import adam
from ganbench.registry import METHODS, Parameter, names_of, parameters, resolve
from ganbench.setting import Setting, data
from ganbench.tasks.catalogue import TASKS
from ganbench.zoo.catalogue import Sizes, zoo

KEY, BATCH, STEPS, RATE = jax.random.key(5), 8, 5, 1e-2


def setting(rate: Any = RATE, dtype: Any = jnp.float32, task: str = "ring") -> Setting:
    """A task's data, and nets of one hidden layer of eight units."""
    made = TASKS[task]()
    nets = zoo("mlp", Sizes(made.shape, 2, 8, 1))
    train, held_out = (jnp.asarray(x, dtype) for x in (made.train, made.held_out))
    return Setting(made, train, held_out, BATCH, 2, 100, nets, Optimizer(adam(0.5, 0.999), rate))


def small(stack: str) -> dict[str, Any]:
    """Hyperparameters with which few steps reach everything: no count or period is above two."""
    own = [(n, p) for n in names_of(stack) for p in parameters(n) if type(p.default) is int]
    least = {f"{n}.{p.name}": min(p.default, 2) for n, p in own if allowed(p, min(p.default, 2))}
    return resolve(stack, least)


def made(
    stack: str, rate: Any = RATE, dtype: Any = jnp.float32, build: Any = assemble, **changed: Any
) -> Method:
    """The method, built in `setting` with `small` hyperparameters but those that are changed."""
    return registry.make(stack, small(stack) | changed, setting(rate, dtype), build)


def doubled(x: jax.Array) -> jax.Array:
    """A leaf of a state in float64, as nets draw their first parameters in float32."""
    return x.astype(jnp.float64) if jnp.issubdtype(x.dtype, jnp.floating) else x


def trained(method: Method, key: jax.Array, before: Any = None) -> tuple[Any, Any, dict, jax.Array]:
    """(first state, last state, infos, samples) of a few steps in one scan, in float64."""

    def body(state, t):
        return method.step(state, jax.random.fold_in(key, t), t)

    before = before or jax.tree.map(doubled, method.init(key))
    after, info = jax.lax.scan(body, before, jnp.arange(STEPS))
    return before, after, info, method.generate(after, key)


class Lanes(NamedTuple):
    """One lane of a method, as a function, and its arguments for many."""

    lane: Any  # (values, key, first state if given) -> what `trained` returns
    columns: dict[str, np.ndarray]  # the floats of every lane
    names: tuple[str, ...]  # lane i + 1 has the float of this name changed, lane 0 is as it was
    traces: list[int]  # one entry for each time that the lane was traced


@cache
def lanes_of(name: str) -> Lanes:
    """A lane as it is, and one or more for each float with that float alone changed."""
    floats = [f"{n}.{p.name}" for n in names_of(name) for p in parameters(n) if p.traced]
    plain = {n: small(name)[n] for n in floats}
    if METHODS[name].kind != "reference":
        plain["rate"] = RATE
    traces: list[int] = []

    def lane(values, key, before=None):
        traces.append(1)
        own = {n: values[n] for n in floats}
        return trained(made(name, values.get("rate", RATE), jnp.float64, **own), key, before)

    known = {f"{n}.{p.name}": p for n in names_of(name) for p in parameters(n)}
    others = [(n, x) for n in plain for x in _others(known.get(n), plain[n])]
    each = [plain] + [plain | {n: x} for n, x in others]
    columns = {n: np.array([one[n] for one in each]) for n in plain}
    columns |= {"": np.zeros(len(each))}  # so that a method of no floats has a lane too
    return Lanes(lane, columns, tuple(n for n, _ in others), traces)


def allowed(parameter: Parameter, value: Any) -> bool:
    """Whether a hyperparameter may have this value."""
    try:
        pydantic.TypeAdapter(parameter.annotation).validate_python(value)
    except pydantic.ValidationError:
        return False
    return True


def _others(parameter: Parameter | None, value: float) -> list[float]:
    """What else is tried: a fiftieth, or as near to it as is allowed, and the ends of the range."""
    if parameter is None:
        return [0.02 * value]
    near = [share * value or share for share in (0.02, 0.5, 0.9, 1.1, 2.0)]
    return [*[x for x in near if allowed(parameter, x)][:1], *bounds_of(parameter)]


def bounds_of(parameter: Parameter) -> list[float]:
    """The least and the largest value that are allowed, where there are such."""
    found = getattr(parameter.annotation, "__metadata__", ())
    return [
        float(x)
        for m in found
        for x in (getattr(m, "ge", None), getattr(m, "le", None))
        if x is not None
    ]


class Seen(NamedTuple):
    """What one compilation of a method shows; every leaf with the lanes in front."""

    before: Any
    after: Any
    info: dict[str, np.ndarray]
    samples: np.ndarray
    again: np.ndarray  # the samples of a second call
    other: np.ndarray  # the same from another key
    names: tuple[str, ...]  # see `Lanes`
    traces: tuple[int, int]  # how often a lane was traced: after the first call, after the last


@cache
def seen(name: str) -> Seen:
    """A few steps in float64, where rounding cannot hide that lanes meet."""
    lane, columns, names, traces = lanes_of(name)
    lanes = jax.jit(jax.vmap(lane, in_axes=(0, None)))
    with jax.enable_x64(True):
        before, after, info, samples = _on_host(lanes(columns, jax.random.key(5)))
        once = len(traces)
        again = _on_host(lanes({n: x + 0 for n, x in columns.items()}, jax.random.key(5))[3])
        other = _on_host(lanes(columns, jax.random.key(6))[3])
        counts = (once, len(traces))
        return Seen(before, after, info, samples, again, other, names, counts)


def _on_host(tree: Any) -> Any:
    return jax.tree.map(np.asarray, tree)


def losses(stack: str, **changed: Any) -> tuple[dict[str, jax.Array], Players, Data]:
    """What each player minimises at its first parameters, the players and the batches they saw.

    For tests that hold a loss against its formula: `players("d", data.real(KEY)).score` are the
    scores of the real batch, `players("d", players("g", data.latent(KEY))).score` of the generated.
    """
    here = setting()
    recipe = registry.recipe(stack, small(stack) | changed, here)
    batches = data(here)
    state = assemble(recipe._replace(outer=lambda method: method), batches).init(KEY)
    players = Players(recipe.nets, state)
    assert recipe.game is not None  # a base has set it
    return recipe.game.losses(players, batches, KEY, jnp.int32(0))[0], players, batches
