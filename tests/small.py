"""Small nets and data, written out by hand, on which closed forms are exact."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ganbench.assembly import build, objective_of
from ganbench.game import Critic, Data, Game, Net, Optimizer, Players, Recipe, TrainState
from ganbench.parts import adam
from ganbench.rules import descent

BATCH, WIDTH, LATENT, TRAINING = 16, 3, 2, 200
KEY, T = jax.random.key(7), jnp.zeros((), jnp.int32)


def normal(seed, *shape, dtype="float32"):
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape), dtype)


def affine(*shape: int) -> Net:
    """x @ w + b of each sample's entries, to samples of `shape` (its input's if none is given)."""

    def init(key, x):
        entries, columns = math.prod(x.shape[1:]), math.prod(shape or x.shape[1:])
        w = jax.random.normal(key, (entries, columns), x.dtype)
        return {"w": w, "b": jnp.full((columns,), 0.1, x.dtype)}, {}

    def apply(p, aux, x, key=None):
        made = x.reshape(x.shape[0], -1) @ p["w"] + p["b"]
        return made.reshape(x.shape[0], *(shape or x.shape[1:]))

    return Net(init, apply)


def smooth_critic() -> Net:
    """A tanh layer and a linear score: smooth, so that finite differences are exact enough."""

    def init(key, x):
        keys = jax.random.split(key)
        w = jax.random.normal(keys[0], (x.shape[-1], 4), x.dtype)
        return {"w": w, "v": jax.random.normal(keys[1], (4,), x.dtype)}, {}

    def apply(p, aux, x, key=None):
        h = jnp.tanh(x @ p["w"])
        return Critic(h @ p["v"], h)

    return Net(init, apply)


def linear_critic() -> Net:
    """score = w . x over all of a sample's entries, whatever its shape."""

    def init(key, x):
        return {"w": jax.random.normal(key, x.shape[1:], x.dtype)}, {}

    def apply(p, aux, x, key=None):
        flat = x.reshape(x.shape[0], -1)
        return Critic(flat @ p["w"].reshape(-1), flat)

    return Net(init, apply)


def critic_of(score, features=lambda x: x) -> Net:
    """Score and features are functions of the sample alone."""
    return Net(
        lambda key, x: ({"unused": jnp.zeros(())}, {}),
        lambda p, aux, x, key=None: Critic(score(x) + 0 * p["unused"], features(x)),
    )


def constant(value) -> Net:
    """A generator of one sample, which is its parameter."""
    return Net(
        lambda key, z: ({"b": value}, {}),
        lambda p, aux, z, key=None: jnp.broadcast_to(p["b"], (z.shape[0], *p["b"].shape)),
    )


def data(shape=(WIDTH,), batch=BATCH, dtype=None) -> Data:
    """Real samples around 1 and latents around 0."""

    def real(key):
        return 1 + jax.random.normal(jax.random.fold_in(key, 1), (batch, *shape), dtype)

    def latent(key):
        return jax.random.normal(jax.random.fold_in(key, 2), (batch, LATENT), dtype)

    return Data(real, latent)


def recipe(direction=None, rate=1e-3, discriminator=None, generator=None) -> Recipe:
    """A recipe of small nets with no game yet; Adam unless `direction` says otherwise."""
    nets = {"g": generator or affine(WIDTH), "d": discriminator or smooth_critic()}
    optimizer = Optimizer(direction or adam(0.5, 0.999), rate)
    zoo = {
        "generator": nets["g"],
        "discriminator": nets["d"],
        "encoder": affine(LATENT),
        "denoiser": affine(),
        "autoencoder": nets["d"],
    }
    return Recipe(
        nets=nets,
        game=None,
        opts=dict.fromkeys(nets, optimizer),
        schedule=(("d",), ("g",)),
        rule=descent,
        outer=lambda method: method,
        zoo=zoo,
        steps=TRAINING,
    )


def phase_of(made: Recipe, batches: Data):
    """One phase of the recipe: (state, names, key, t) -> (state, info)."""
    return made.rule.phase(objective_of(made, batches), made.opts, made.nets)


def start(made: Recipe, batches: Data, seed=0) -> TrainState:
    return build(made, batches).init(jax.random.key(seed))


def at(state: TrainState, **params) -> TrainState:
    """`state` with the parameters of the players named replaced."""
    return state._replace(params={**state.params, **params})


def losses_of(stabilizer, made: Recipe | None = None, batches: Data | None = None):
    """(losses at KEY, players, data) of a stabilizer at its first parameters."""
    made, batches = stabilizer(made or recipe()), batches or data()
    state = start(made, batches)
    return objective_of(made, batches)(state, KEY, T)[0], Players(made.nets, state), batches


def slopes_of(stabilizer, made: Recipe | None = None, batches: Data | None = None):
    """{player: gradient of its own loss at KEY}, as the game has it, for games of a loss each."""
    made, batches = stabilizer(made or recipe()), batches or data()
    state = start(made, batches)
    objective = objective_of(made, batches)

    def slope(name):
        return jax.grad(lambda p: objective(at(state, **{name: p}), KEY, T)[0][name])

    return {name: slope(name)(state.params[name]) for name in state.params}


def slope_by_hand(stabilizer, name, loss, made: Recipe | None = None, batches=None):
    """The gradient of `loss(players, data)` for player `name` at the same point."""
    made, batches = stabilizer(made or recipe()), batches or data()
    state = start(made, batches)

    def of(params):
        return loss(Players(made.nets, at(state, **{name: params})), batches)

    return jax.grad(of)(state.params[name])


def close(a, b, tolerance=1e-5) -> bool:
    """Whether two trees are equal up to `tolerance`, and not both 0."""
    scale = max(float(jnp.abs(x).max()) for x in jax.tree.leaves(a))
    return scale > 0 and largest_difference(a, b) < tolerance * max(scale, 1.0)


def penalty_of(stabilizer, made: Recipe, batches: Data):
    """(the discriminator's penalty at KEY, the state it was taken at)."""
    made = stabilizer(made)
    state = start(made, batches)
    return float(objective_of(made, batches)(state, KEY, T)[1]["d/penalty"]), state


def direction_after(stabilizer, *grads: float) -> float:
    """Where every player's optimizer goes after these gradients of a single parameter."""
    (direction,) = {opt.direction for opt in stabilizer(recipe()).opts.values()}
    state = direction.init({"w": jnp.zeros(1)})
    for grad in grads:
        update, state = direction.update({"w": jnp.array([grad])}, state)
    return float(update["w"][0])


def trees_equal(a, b) -> bool:
    same = jax.tree.map(lambda x, y: bool(jnp.array_equal(x, y)), a, b)
    return jax.tree.structure(a) == jax.tree.structure(b) and all(jax.tree.leaves(same))


def largest_difference(a, b) -> float:
    gaps = jax.tree.map(lambda x, y: float(jnp.max(jnp.abs(x - y))), a, b)
    return max(jax.tree.leaves(gaps))


sgd = optax.identity


def scalar() -> Net:
    return Net(lambda key, x: (jnp.ones(()), {}), lambda p, aux, x, key=None: p)


def bilinear(recipe_):
    """min over g, max over d of d g: both start at 1."""

    def losses(players, data, key, t):
        d, g = players.state.params["d"], players.state.params["g"]
        return {"d": -d * g, "g": d * g}, {}

    def init(nets, data, key):
        return {name: (jnp.ones(()), {}) for name in ("d", "g")}

    nets = {name: scalar() for name in ("d", "g")}
    return recipe_._replace(nets=nets, game=Game(init, losses))
