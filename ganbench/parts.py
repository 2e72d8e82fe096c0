"""Parts that several stabilizers are made of: games of two, extra terms, optimizers."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from ganbench.game import (
    SLOPE,
    Critic,
    Data,
    Game,
    Net,
    Optimizer,
    Players,
    Recipe,
    Stabilizer,
    compose,
    initialise,
)
from ganbench.seeds import fold_name
from ganbench.wrapping import needs, wrap_losses

Score = Callable[[Critic, Critic], jax.Array]  # (on real, on generated) -> scalar loss


def two_player_init(nets, data: Data, key: jax.Array) -> dict:
    """First parameters of `g` on latents and `d` on samples."""
    return {
        "g": initialise(nets, key, "g", data.latent(key)),
        "d": initialise(nets, key, "d", data.real(key)),
    }


def with_encoder_init(nets, data: Data, key: jax.Array) -> dict:
    """First parameters of `g`, `d` and of `e` on samples."""
    encoder = initialise(nets, key, "e", data.real(key))
    return {**two_player_init(nets, data, key), "e": encoder}


def with_reader_init(init: Callable[..., dict], name: str) -> Callable[..., dict]:
    """`init`, and the first parameters of player `name` on the features of `d`."""

    def both(nets, data: Data, key: jax.Array) -> dict:
        made = init(nets, data, key)
        params, aux = made["d"]
        seen = nets["d"].apply(params, aux, data.real(key), key=key).features
        return {**made, name: initialise(nets, key, name, seen)}

    return both


def judge_real(players: Players, data: Data, key: jax.Array, name: str = "d") -> Critic:
    """What discriminator `name` says of this phase's real batch, with noise of its own stream."""
    return players(name, data.real(key), key=fold_name(key, f"{name} on real"))


def generated(players: Players, data: Data, key: jax.Array) -> jax.Array:
    """This phase's batch of generated samples."""
    return players("g", data.latent(key), key=fold_name(key, "g"))


def judge_generated(players: Players, data: Data, key: jax.Array, name: str = "d") -> Critic:
    """What discriminator `name` says of this phase's generated batch."""
    return players(name, generated(players, data, key), key=fold_name(key, f"{name} on generated"))


def two_player(d_loss: Score, g_loss: Score) -> Stabilizer:
    """The base in which `d` minimises `d_loss(real, fake)` and `g` minimises `g_loss(real, fake)`.

    Both are functions of the discriminator's `Critic` on the real and on the generated batch.
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        real, fake = judge_real(players, data, key), judge_generated(players, data, key)
        info = {"d/real_score": real.score.mean(), "d/fake_score": fake.score.mean()}
        return {"d": d_loss(real, fake), "g": g_loss(real, fake)}, info

    return lambda recipe: recipe._replace(game=Game(two_player_init, losses))


def add_to_loss(name: str, term: Callable[..., jax.Array], every: int = 1) -> Stabilizer:
    """Adds `term(players, data, key, t)` to loss `name`; the term sees the phase's own batch.

    Args:
        every: lazy regularization: the term is computed at every `every`-th step only, and counts
            `every` times as much there (Karras et al., CVPR 2020, arXiv 1912.04958).
    """

    def wrap(made: dict, info: dict, players: Players, data: Data, key, t) -> tuple[dict, dict]:
        def now():
            return every * term(players, data, key, t)

        zero = jnp.zeros_like(made[name])
        extra = now() if every == 1 else jax.lax.cond(t % every == 0, now, lambda: zero)
        total = info.get(f"{name}/penalty", 0.0) + extra
        return {**made, name: made[name] + extra}, {**info, f"{name}/penalty": total}

    return wrap_losses(wrap)


def penalty(
    term: Callable[..., jax.Array], by: str, every: int = 1, more: tuple[str, ...] = ()
) -> Stabilizer:
    """Adds a term on the discriminator's slope at single samples to its loss; see `add_to_loss`.

    Args:
        by: the stabilizer, which needs one discriminator of samples alone, each judged for itself.
        more: what else it needs.
    """

    resources = ("discriminator", "discriminator's input", "lone discriminator", *more)
    alone = "judgement of each sample for itself"
    return compose(needs(by, *resources, alone, SLOPE), add_to_loss("d", term, every))


def squared_input_gradient(
    players: Players, x: jax.Array, key: jax.Array, weight: Callable = lambda score: 1.0
) -> jax.Array:
    """weight(d(x)) |grad_x d(x)|^2 for each score, (scores,): the gradient over all pixels.

    Taken through the gradient of the summed scores, which is each sample's own gradient as long as
    the discriminator has no operation across samples. A discriminator that judges packs of
    neighbouring samples gives a score a pack; its gradient is over all of the pack's pixels.
    """

    def total(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        score = players("d", x, key=key).score
        return score.sum(), score

    grads, score = jax.grad(total, has_aux=True)(x)
    scores = score.shape[0]
    own = x.shape[0] // scores * scores  # an incomplete last pack is not judged
    return weight(score) * jnp.sum(grads[:own].reshape(scores, -1) ** 2, axis=-1)


def adam(b1: float, b2: float) -> optax.GradientTransformation:
    """Adam's direction, with `eps_root` for every method alike.

    A unit that never fires has second moment 0, where the square root has no derivative: unrolling
    through the update would give NaN. 1e-16 is the square of Adam's own `eps` of 1e-8, so neither
    outweighs the other.
    """
    return optax.scale_by_adam(b1=b1, b2=b2, eps=1e-8, eps_root=1e-16)


#: name -> the direction of a task's optimizer, given b1 and b2.
DIRECTIONS: dict[str, Callable[[float, float], optax.GradientTransformation]] = {
    "adam": adam,
    "sgd": lambda b1, b2: optax.identity(),
}


def with_player(recipe: Recipe, name: str, net: Net, like: str) -> Recipe:
    """`recipe` with a further player: `net`, with the optimizer of player `like`."""
    opts: dict[str, Optimizer] = {**recipe.opts, name: recipe.opts[like]}
    return recipe._replace(nets={**recipe.nets, name: net}, opts=opts)
