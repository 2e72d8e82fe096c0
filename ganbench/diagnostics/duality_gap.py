"""How much either side could still gain if the other stood still: the distance from equilibrium."""

import jax
import jax.numpy as jnp
from jax.random import fold_in

from ganbench.diagnostics.inside import Diagnostic, Inside, Measure, on_games
from ganbench.game import Data, Optimizer, Params, TrainState, is_discriminator, player
from ganbench.parts import adam
from ganbench.seeds import fold_name
from ganbench.setting import data

#: Part of the definition: no budget is enough. On `mode-collapse`'s ring after 1,500 steps of
#: `nonsaturating` the gap is 0.05, 0.09, 0.26 and 0.43 at 25, 100, 400 and 800 steps (four seeds).
STEPS = 100
#: About one of Adam's moves there (2e-3 on weights of some 0.2), which the first few make good. A
#: tenth alone would move M by 0.1 to 0.6, more than the gap.
PERTURBATION = 0.01
#: A lazy penalty of up to every 16th step is met as often as in training.
BATCHES = 16


def value(
    inside: Inside, source: Data, state: TrainState, key: jax.Array, t: jax.Array
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """(M, info): minus the sum of the discriminators' losses on one batch of `source`.

    The game's own losses: what a rule makes of them (`entropy-sgd`) has another slope.
    """
    assert inside.recipe.game is not None, "a recipe that passed its checks has a game"
    losses, info = inside.recipe.game.losses(inside.players(state), source, key, t)
    names = [name for name in inside.scheduled() if is_discriminator(player(name))]
    return -jnp.sum(jnp.stack([losses[name] for name in names])), info


def perturbed(params: Params, key: jax.Array, size: float) -> Params:
    """`params` with normal noise of `size` times each leaf's root mean square; of `size` itself
    where a leaf is all 0, which has no scale."""
    leaves, tree = jax.tree.flatten(params)

    def noised(leaf: jax.Array, i: int) -> jax.Array:
        rms = jnp.sqrt(jnp.mean(leaf**2))
        noise = jax.random.normal(fold_in(key, i), leaf.shape, leaf.dtype)
        return leaf + size * jnp.where(rms > 0, rms, 1) * noise

    return jax.tree.unflatten(tree, [noised(leaf, i) for i, leaf in enumerate(leaves)])


def best_response(
    inside: Inside,
    source: Data,
    state: TrainState,
    discriminators: bool,
    key: jax.Array,
    t: jax.Array,
    perturbation: float = PERTURBATION,
) -> TrainState:
    """`state` after one side moved `STEPS` times up M (discriminators) or down M (all others).

    Each move is of fresh Adam at the task's rate on a fresh batch of `source`, followed by the
    player's constraint (clipped weights stay clipped) and its net's refresh (a spectral norm is
    that of the weights that have moved).
    """
    recipe, rate = inside.recipe, inside.setting.optimizer.rate
    side = [name for name in recipe.nets if is_discriminator(name) == discriminators]
    sign = -1 if discriminators else 1
    opts = {n: Optimizer(adam(0.5, 0.999), rate, recipe.opts[n].constraint) for n in side}

    def at(params: dict[str, Params], aux: dict[str, Params]) -> TrainState:
        return state._replace(params={**state.params, **params}, aux={**state.aux, **aux})

    def step(carry, i: jax.Array):
        params, aux, opt = carry

        def loss(params: dict[str, Params]) -> tuple[jax.Array, dict]:
            own, info = value(inside, source, at(params, aux), fold_in(key, i), t + i)
            return sign * own, info

        (lost, info), grads = jax.value_and_grad(loss, has_aux=True)(params)
        moved = {n: opts[n].step(grads[n], opt[n], params[n], lost) for n in side}
        params, opt = ({n: moved[n][j] for n in side} for j in (0, 1))
        aux = {n: recipe.nets[n].refresh(params[n], aux[n], info) for n in side}
        return (params, aux, opt), None

    params = {
        n: opts[n].constraint(perturbed(state.params[n], fold_name(key, n), perturbation))
        for n in side
    }
    start = params, {n: state.aux[n] for n in side}, {n: opts[n].init(params[n]) for n in side}
    (params, aux, _), _ = jax.lax.scan(step, start, jnp.arange(STEPS))
    return at(params, aux)


def halves(inside: Inside) -> tuple[Data, Data]:
    """Held-out data to find best responses on, and others to score them on.

    Every second sample of fixed data; where data are drawn anew they are never the same anyway.
    """
    if not inside.setting.task.fixed:
        return inside.unseen, inside.unseen
    held_out = inside.setting.held_out
    first, second = (data(inside.setting._replace(train=held_out[i::2])) for i in (0, 1))
    return first, second


def values(
    inside: Inside,
    state: TrainState,
    key: jax.Array,
    t: jax.Array,
    perturbation: float = PERTURBATION,
) -> dict[str, jax.Array]:
    """What there is to tell of one game; see `duality_gap`."""
    find, score = halves(inside)
    d, g = (
        best_response(inside, find, state, side, fold_name(key, name), t, perturbation)
        for side, name in ((True, "worst d"), (False, "worst g"))
    )

    def mean(at: TrainState) -> jax.Array:
        def one(i: jax.Array) -> jax.Array:
            return value(inside, score, at, fold_in(fold_name(key, "score"), i), t + i)[0]

        return jax.lax.map(one, jnp.arange(BATCHES)).mean()

    # one loop over the three: the game is compiled once
    now, worst_d, worst_g = jax.lax.map(mean, jax.tree.map(lambda *x: jnp.stack(x), state, d, g))
    return {"gap": worst_d - worst_g, "worst_d": worst_d, "worst_g": worst_g, "value": now}


def _measure(inside: Inside) -> Measure:
    if not any(map(is_discriminator, inside.recipe.nets)):
        return lambda state, key, t: {}
    return on_games(inside, lambda state, key, t: values(inside, state, key, t))


#: DG = max_{D'} M(G, D') - min_{G'} M(G', D), M minus the sum of the discriminators' losses; never
#: below 0, and 0 exactly at a Nash equilibrium of the zero-sum game M. `value` is M(G, D),
#: `worst_d` M(G, D'), `worst_g` M(G', D), `gap` worst_d - worst_g. M is E log D(x) + E log(1 -
#: D(G(z))) for the standard losses, also where training is non-saturating; the critic's difference
#: for Wasserstein games. Penalties in L_D are part of M. A game that is not zero-sum is played as
#: if it were: the other players go down M whatever they train on, without terms of their own
#: (`ebgan-pt`), and against what both sides share (`infogan`). In the unit of the losses, so not to
#: be compared between methods of different losses.
#:
#: D' and G' are what 100 steps of Adam (0.5, 0.999) at the task's rate find, each on a fresh batch
#: of held-out data, from the trained player with noise of 0.01 of each leaf's root mean square:
#: without it a stationary point that is no equilibrium looks like one. All discriminators move
#: together, and so do all others. A net's refresh runs after each move, so what anneals by moves
#: (the noise of `instance-noise`) goes on by 100. All three values are means over the same 16
#: batches, of held-out data that no response was found on where the task's data are fixed.
#:
#: A lower estimate, and not clipped: where 100 steps lose more than they gain it is below 0. Where
#: nothing bounds M it grows with the budget, and says how steep M is: for `wasserstein`, and for G'
#: whose samples may leave the data (on the ring early in training, and for `mdgan` throughout).
#: Blind to modes that D does not ask for.
#:
#: Reference: Grnarova et al., "A Domain Agnostic Measure for Monitoring and Evaluating GANs",
#: NeurIPS 2019, arXiv 1811.05512; for the perturbed start Sidheekh, Aimen, Madan, Krishnan, "On
#: Duality Gap as a Measure for Monitoring GAN Training", IJCNN 2021, arXiv 2012.06723 (number and
#: venue as recalled), whose code (`perturbed-dg/Perturbed-Duality-Gap`) has 300 steps at 1e-5,
#: noise of one size for all leaves, and other data to score on.
duality_gap = Diagnostic(_measure, "what either side could gain if the other stood still")
