"""Joint distributions of samples and codes: ALI and BiGAN (2017), VEEGAN (2017).

d(x, z) is a logit, sp(t) = log(1 + e^t). q is the encoder's joint (x, E(x)), p the generator's
(G(z), z). The discriminator takes the sample first, the code second.
"""

import jax
import jax.numpy as jnp
from jax.nn import softplus

from ganbench.game import Critic, Data, Game, Net, Params, Players, Recipe, Stabilizer, initialise
from ganbench.parts import generated, with_player
from ganbench.seeds import fold_name


def gaussian(net: Net) -> Net:
    """Two nets like `net`, as the mean and the log variance of a normal distribution over codes."""

    def init(key: jax.Array, *inputs: jax.Array) -> tuple[Params, Params]:
        parts = {name: net.init(fold_name(key, name), *inputs) for name in ("mean", "log_variance")}
        return {n: p for n, (p, _) in parts.items()}, {n: a for n, (_, a) in parts.items()}

    def apply(params: Params, aux: Params, *inputs: jax.Array, key=None):
        mean, log_variance = (
            net.apply(params[n], aux[n], *inputs, key=key) for n in ("mean", "log_variance")
        )
        return mean, log_variance

    def refresh(params: Params, aux: Params, info) -> Params:
        return {n: net.refresh(params[n], aux[n], info) for n in params}

    return Net(init, apply, refresh)


def drawn(mean: jax.Array, log_variance: jax.Array, key: jax.Array) -> jax.Array:
    """A code from N(mean, exp(log_variance)), reparameterised."""
    return mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, mean.dtype)


def encoded(players: Players, data: Data, key: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """What the encoder says of this phase's real batch: mean, log variance, and a code drawn."""
    mean, log_variance = players("e", data.real(key), key=fold_name(key, "e"))
    return mean, log_variance, drawn(mean, log_variance, fold_name(key, "code"))


def _init(nets, data: Data, key: jax.Array) -> dict:
    x, z = data.real(key), data.latent(key)
    return {
        "g": initialise(nets, key, "g", z),
        "e": initialise(nets, key, "e", x),
        "d": initialise(nets, key, "d", x, z),
    }


def _judged(players: Players, data: Data, key: jax.Array, code: jax.Array) -> tuple[Critic, Critic]:
    """What d says of (x, code) and of (G(z), z)."""
    q = players("d", data.real(key), code, key=fold_name(key, "d on real"))
    x, z = generated(players, data, key), data.latent(key)
    return q, players("d", x, z, key=fold_name(key, "d on generated"))


def _joint(recipe: Recipe, losses, encoder: Net, by: str) -> Recipe:
    recipe = with_player(recipe, "e", encoder, like="g").claim(by, "discriminator's input")
    return recipe._replace(game=Game(_init, losses), schedule=(("d",), ("g", "e")))


def _matching(q: Critic, p: Critic) -> tuple[dict, dict]:
    swapped = softplus(q.score).mean() + softplus(-p.score).mean()
    d = softplus(-q.score).mean() + softplus(p.score).mean()
    info = {"d/real_score": q.score.mean(), "d/fake_score": p.score.mean()}
    return {"d": d, "g": swapped, "e": swapped}, info


def ali() -> Stabilizer:
    """The discriminator tells pairs (data, drawn code) from pairs (sample, its latent).

    Formula:
        z_x ~ N(mu(x), sigma^2(x)), the encoder;  L_D = E_q sp(-d(x, z_x)) + E_p sp(d(G(z), z));
        L_G = L_E = E_q sp(d(x, z_x)) + E_p sp(-d(G(z), z)): both take both terms.

    Args:
        None. A base.

    The authors move all players at once (`simultaneous`); here the task's alternation holds.

    In the suites:
        Few modes of the grid: the method learns slower, and covers most with three times the steps.
        On stacked-digits the generator makes one image of all latents, as half the runs of
        `nonsaturating` do; at a quarter of the rate and with twice the steps a run of four learns.

    Reference:
        Dumoulin et al., "Adversarially Learned Inference", ICLR 2017, arXiv 1606.00704,
        algorithm 1.
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        *_, code = encoded(players, data, key)
        return _matching(*_judged(players, data, key, code))

    return lambda recipe: _joint(recipe, losses, gaussian(recipe.zoo["encoder"]), "ali")


def bigan() -> Stabilizer:
    """ALI with an encoder that gives one code for one sample.

    Formula:
        L_D = E_x sp(-d(x, E(x))) + E_z sp(d(G(z), z));
        L_G = L_E = E_x sp(d(x, E(x))) + E_z sp(-d(G(z), z)).

    Args:
        None. A base.

    In the suites:
        Few modes: the method learns slower. With four times the steps the same code covers the
        ring. On stacked-digits the generator makes one image of all latents, as half the runs of
        `nonsaturating` do.

    Reference:
        Donahue, Kraehenbuehl, Darrell, "Adversarial Feature Learning", ICLR 2017,
        arXiv 1605.09782, equation 2 and section 3.4.
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        code = players("e", data.real(key), key=fold_name(key, "e"))
        return _matching(*_judged(players, data, key, code))

    return lambda recipe: _joint(recipe, losses, recipe.zoo["encoder"], "bigan")


def veegan() -> Stabilizer:
    """A reconstructor maps samples back to their latents, so that lost modes cost.

    Formula:
        F is the reconstructor (player e), D(x, z) the log ratio of (G(z), z) to (x, F(x)):
        L_D = E_z sp(-d(G(z), z)) + E_x sp(d(x, F(x)));
        L_G = L_F = E_z d(G(z), z) + E_z |z - F(G(z))|^2, the distance between latents, not samples.
        Labels are the other way round than usual: d is high on generated pairs.

    Args:
        None. A base.

    In the suites:
        One or two modes of the ring: the method, in every setting that was tried. The reconstructor
        learns from generated samples alone, as in the paper's algorithm, so a mode that is lost
        teaches it nothing; the paper's own 8 modes are of other nets. On stacked-digits the same
        code covers four times what `nonsaturating` does.

    Reference:
        Srivastava, Valkov, Russell, Gutmann, Sutton, "VEEGAN: Reducing Mode Collapse in GANs using
        Implicit Variational Learning", NIPS 2017, arXiv 1705.07761, equation 4 and algorithm 1.
    """

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        code = players("e", data.real(key), key=fold_name(key, "e"))
        q, p = _judged(players, data, key, code)
        again = players("e", generated(players, data, key), key=fold_name(key, "e on generated"))
        distance = jnp.sum((data.latent(key) - again) ** 2, axis=-1).mean()
        both = p.score.mean() + distance
        d = softplus(-p.score).mean() + softplus(q.score).mean()
        info = {"d/real_score": q.score.mean(), "d/fake_score": p.score.mean()}
        return {"d": d, "g": both, "e": both}, {**info, "e/reconstruction": distance}

    def base(recipe: Recipe) -> Recipe:
        return _joint(recipe, losses, recipe.zoo["encoder"], "veegan").claim("veegan", "logit")

    return base
