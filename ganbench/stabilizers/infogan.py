"""Codes that can be read off the samples (Chen et al. 2016)."""

from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jax.nn import log_softmax, softplus

from ganbench.game import Data, Game, Net, Params, Players, Recipe, Stabilizer, compose
from ganbench.parts import (
    judge_generated,
    judge_real,
    two_player_init,
    with_player,
    with_reader_init,
)
from ganbench.seeds import fold_name
from ganbench.stabilizers.nonsaturating import discriminator_loss
from ganbench.wrapping import claims, needs


def drawn_code(key: jax.Array, batch: int, categories: int, continuous: int, dtype) -> jax.Array:
    """(batch, categories + continuous): a one-hot category, then values from U(-1, 1)."""
    pick, spread = jax.random.split(key)
    kind = jax.nn.one_hot(
        jax.random.randint(pick, (batch,), 0, categories), categories, dtype=dtype
    )
    rest = jax.random.uniform(spread, (batch, continuous), dtype, -1.0, 1.0)
    return jnp.concatenate([kind, rest], axis=-1)


def code_likelihood(guess: jax.Array, code: jax.Array, categories: int) -> jax.Array:
    """log q(c | x) up to a constant, (batch,): a category's logits, and unit-variance normals."""
    kind = jnp.sum(log_softmax(guess[:, :categories]) * code[:, :categories], axis=-1)
    return kind - 0.5 * jnp.sum((guess[:, categories:] - code[:, categories:]) ** 2, axis=-1)


def _linear(outputs: int) -> Net:
    """Features (batch, n) -> (batch, outputs), LeCun's initialisation."""

    def init(key: jax.Array, features: jax.Array) -> tuple[Params, Params]:
        n = features.shape[-1]
        w = jax.random.normal(key, (n, outputs), features.dtype) / n**0.5
        return {"w": w, "b": jnp.zeros((outputs,), features.dtype)}, {}

    return Net(init, lambda params, aux, x, key=None: x @ params["w"] + params["b"])


def infogan(
    weight: Annotated[float, Ge(0)] = 1.0,
    categories: Annotated[int, Ge(1)] = 10,
    continuous: Annotated[int, Ge(0)] = 2,
) -> Stabilizer:
    """The generator also gets a code, which a head on the discriminator must read off its samples.

    Formula:
        x = G(z, c), c a category and values from U(-1, 1);  I = E log q(c | x), q a linear head on
        D's last hidden layer (player q), values with a fixed standard deviation of 1;
        L_D = E_x sp(-d(x)) + E sp(d(G(z, c))) - weight I;  L_G = E sp(-d(G(z, c))) - weight I;
        L_q = -I. The gradient of I reaches G through its samples and D through its features.

    Args:
        weight: lambda, >= 0; traced.
        categories: values of the categorical code, >= 1; static. The authors' on MNIST.
        continuous: uniform codes, >= 0; static. The authors' on MNIST.

    In the suites:
        Half the modes of the grid, and blurred: the method's weight, which is for ten digits. With
        a tenth of it what the code says no longer outweighs the game, and the same code covers ring
        and grid better than the plain method.

    Reference:
        Chen, Duan, Houthooft, Schulman, Sutskever, Abbeel, "InfoGAN: Interpretable Representation
        Learning by Information Maximizing Generative Adversarial Nets", NIPS 2016,
        arXiv 1606.03657, equation 6; defaults of the authors' code (`openai/InfoGAN`).
    """

    def code_of(key: jax.Array, z: jax.Array) -> jax.Array:
        own = fold_name(key, "code")
        return drawn_code(own, z.shape[0], categories, continuous, z.dtype)

    def wrap(net: Net) -> Net:
        def init(key: jax.Array, z: jax.Array) -> tuple[Params, Params]:
            return net.init(key, jnp.concatenate([z, code_of(key, z)], axis=-1))

        def apply(params: Params, aux: Params, z: jax.Array, key=None) -> jax.Array:
            with_code = jnp.concatenate([z, code_of(key, z)], axis=-1)
            return net.apply(params, aux, with_code, key=key)

        return net._replace(init=init, apply=apply)

    def losses(players: Players, data: Data, key: jax.Array, t: jax.Array) -> tuple[dict, dict]:
        real, fake = judge_real(players, data, key), judge_generated(players, data, key)
        code = code_of(fold_name(key, "g"), data.latent(key))  # what `generated` gave to g
        guess = players("q", fake.features, key=fold_name(key, "q"))
        information = code_likelihood(guess, code, categories).mean()
        made = {
            "d": discriminator_loss(real, fake) - weight * information,
            "g": softplus(-fake.score).mean() - weight * information,
            "q": -information,
        }
        return made, {"d/real_score": real.score.mean(), "d/fake_score": fake.score.mean()}

    def base(recipe: Recipe) -> Recipe:
        recipe = with_player(recipe, "q", _linear(categories + continuous), like="d")
        nets = {**recipe.nets, "g": wrap(recipe.nets["g"])}
        game = Game(with_reader_init(two_player_init, "q"), losses)
        return recipe._replace(nets=nets, game=game, schedule=(("d",), ("g", "q")))

    own = claims("infogan", "features nobody else reads")
    return compose(base, needs("infogan", "one judgement a sample"), own)
