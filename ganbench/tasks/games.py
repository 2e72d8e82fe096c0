"""Games of two numbers whose course theory knows: Dirac-GAN and the bilinear game."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np

from ganbench.diagnostics.course import RULES, STATUSES
from ganbench.errors import BadInput
from ganbench.tasks.base import Judge, Task, Verdict

NEAR = 0.1  # of high quality: within this distance of the equilibrium
FORMULA = f"a point of the plane within {NEAR} of the origin: {RULES}"  # in the protocol, hashed


def dirac() -> Task:
    """Dirac-GAN: data are the number 0, G is a number theta, D(x) = psi x.

    Equilibrium (0, 0), start (1, 1). With `nonsaturating` the losses are f(-psi theta) + f(0) for D
    and f(psi theta) for G, f(t) = log(1 + exp(-t)); with `minimax` G's is the negative of D's.
    What is scored is the players' point (theta, psi), not a sample. Nets: `points`.

    Reference: Mescheder, Geiger, Nowozin, "Which Training Methods for GANs do actually Converge?",
    ICML 2018, arXiv 1801.04406, definition 2.1.
    """
    return _game("dirac")


def bilinear() -> Task:
    """The bilinear game: `wasserstein` on Dirac-GAN, max over theta, min over psi of theta psi.

    The textbooks' game is this one seen in a mirror, psi for -psi.

    Start (1, 1). What is scored is the players' point (theta, psi). Nets: `points`.

    Reference: Gidel et al., "A Variational Inequality Perspective on Generative Adversarial
    Networks", ICLR 2019, arXiv 1802.10551, section 2.2.
    """
    return _game("bilinear")


def players_point(params: dict) -> jax.Array:
    """(theta, psi) of `points` nets, whatever wraps them.

    Raises:
        BadInput: a method without such a generator or discriminator.
    """
    return jnp.stack([_number(params, "g", "theta"), _number(params, "d", "psi")])


def _number(params: dict, player: str, name: str) -> jax.Array:
    leaves = jax.tree_util.tree_leaves_with_path(params.get(player, {}))
    found = [leaf for path, leaf in leaves if path[-1] == jax.tree_util.DictKey(name)]
    if len(found) != 1:
        raise BadInput(
            f"games of two numbers show {name} of player {player!r}: nets must be points, and the "
            f"method must have a {player} of that kind"
        )
    return jnp.mean(found[0])


def _judge(weights: dict[str, np.ndarray], x: jax.Array) -> Verdict:
    near = jnp.sum(x**2, axis=-1) < weights["near"] ** 2
    return Verdict(jnp.zeros((x.shape[0], 1, 1)), near, x)


def _game(name: str) -> Task:
    def sample(key: jax.Array, source: jax.Array, batch: int) -> jax.Array:
        return jnp.broadcast_to(jnp.asarray(source)[0], (batch, 2))

    def noise(key: jax.Array, batch: int) -> jax.Array:
        return jax.random.uniform(key, (batch, 2), minval=-1.0)

    judge = Judge(
        _judge,
        {"near": np.asarray(NEAR, np.float32)},
        hashlib.sha256(FORMULA.encode()).hexdigest(),
    )
    return Task(
        name=name,
        shape=(2,),
        modes=1,
        train=np.zeros((1, 2), np.float32),
        held_out=np.zeros((1, 2), np.float32),
        sample=sample,
        noise=noise,
        judge=judge,
        proportions=np.ones(1),
        reference_mean=np.zeros(2),
        reference_cov=np.zeros((2, 2)),
        rms=1.0,  # of the start: divergence is told in multiples of it
        data_hash=hashlib.sha256(b"the origin of the plane").hexdigest(),
        shown=players_point,
        statuses=STATUSES,
    )
