"""Every family of nets in every role."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small import normal

from ganbench.errors import BadInput
from ganbench.zoo.catalogue import Family, Sizes, zoo

KEY = jax.random.key(0)
LATENT, BATCH = 5, 4
CASES = {
    "mlp-vector": ("mlp", Sizes((2,), LATENT, 16, 2)),
    "mlp-image": ("mlp", Sizes((8, 8, 1), LATENT, 16, 2)),
    "conv-gray": ("conv", Sizes((8, 8, 1), LATENT, 4, 1)),
    "conv-rgb": ("conv", Sizes((8, 8, 3), LATENT, 4, 2)),
    "channels-rgb": ("channels", Sizes((6, 7, 3), LATENT, 4, 2)),
}
IMAGES = ("mlp", "conv", "channels")  # families for images that end in dense layers
all_cases = pytest.mark.parametrize(("family", "sizes"), CASES.values(), ids=CASES)
# where every case would cost more than it could find
FEW = ("mlp-vector", "conv-rgb", "channels-rgb")
cases = pytest.mark.parametrize(("family", "sizes"), [CASES[c] for c in FEW], ids=FEW)
# where each takes seconds to compile
dear = pytest.mark.parametrize(
    ("family", "sizes"),
    [pytest.param(*CASES[c], id=c, marks=pytest.mark.slow if c == FEW[-1] else ()) for c in FEW],
)
READERS = ("discriminator", "encoder", "autoencoder")


def inputs(role, sizes, seed=1, dtype="float32"):
    lengths = {"generator": (LATENT,), "denoiser": (7,)}
    return normal(seed, BATCH, *lengths.get(role, sizes.shape), dtype=dtype)


@partial(jax.jit, static_argnums=0)
def made(net, *x):
    """(params, aux, output), in one compilation."""
    params, aux = net.init(KEY, *x)
    return params, aux, net.apply(params, aux, *x)


def shapes(net, *x):
    """(params, aux, output) as shapes and dtypes, with nothing run."""
    params, aux = jax.eval_shape(net.init, KEY, *x)
    return params, aux, jax.eval_shape(net.apply, params, aux, *x)


def first_layer(params):
    """How many inputs each layer that Linen numbers 0 has."""
    leaves = jax.tree_util.tree_leaves_with_path(params)
    kernels = {jax.tree_util.keystr(path): leaf.shape for path, leaf in leaves if leaf.ndim > 1}
    return {s[-2] for path, s in kernels.items() if "PatchConv_0" in path or "Dense_0" in path}


@all_cases
def test_every_role_has_the_right_shape(family, sizes):
    nets = zoo(family, sizes)
    wide = sizes.width * {"mlp": 1, "conv": 4, "channels": 2}[family]
    code = sizes.width // {"mlp": 4, "conv": 1, "channels": 1}[family]
    out = {}
    for role, net in nets.items():
        x = inputs(role, sizes)
        _, aux, out[role] = shapes(net, x)
        assert aux == {}
    assert tuple(nets) == Family._fields
    assert out["generator"].shape == (BATCH, *sizes.shape)
    assert out["discriminator"].score.shape == out["autoencoder"].score.shape == (BATCH,)
    assert out["discriminator"].features.shape == (BATCH, wide)
    assert out["autoencoder"].features.shape == (BATCH, code)
    assert out["encoder"].shape == (BATCH, LATENT)
    assert out["denoiser"].shape == (BATCH, 7)


@pytest.mark.parametrize("family", IMAGES)
def test_images_stay_within_one_and_vectors_need_not(family):
    image = zoo(family, Sizes((8, 8, 1), LATENT, 8, 1))["generator"]
    z = 100 * normal(1, BATCH, LATENT)
    assert jnp.abs(made(image, z)[2]).max() <= 1
    vector = zoo("mlp", Sizes((2,), LATENT, 8, 1))["generator"]
    assert jnp.abs(made(vector, z)[2]).max() > 1


def test_depth_counts_hidden_dense_layers():
    for family in IMAGES:
        counts = []
        for depth in (1, 2):
            net = zoo(family, Sizes((8, 8, 1), LATENT, 4, depth))["discriminator"]
            counts.append(len(jax.tree.leaves(shapes(net, normal(1, BATCH, 8, 8, 1))[0])))
        assert counts[1] == counts[0] + 2  # one more kernel and bias


def test_channels_are_read_and_written_with_the_same_weights():
    """Equal channels in, equal channels out: nothing but the joint layers tells them apart."""
    nets = zoo("channels", Sizes((8, 8, 3), LATENT, 4, 1))
    params, aux, _ = made(nets["generator"], normal(1, BATCH, LATENT))
    joint = params["Up_0"]["Dense_0"]
    joint["kernel"] = jnp.tile(joint["kernel"][:, :4], 3)
    x = nets["generator"].apply(params, aux, normal(1, BATCH, LATENT))
    np.testing.assert_array_equal(x[..., 0], x[..., 1])
    np.testing.assert_array_equal(x[..., 0], x[..., 2])
    assert np.ptp(x) > 0
    params, aux, _ = made(nets["discriminator"], x)
    joint = params["Down_0"]["Hidden_0"]["Dense_0"]
    joint["kernel"] = jnp.tile(joint["kernel"][:4], (3, 1))
    y = normal(2, BATCH, 8, 8, 3)
    mixed = [
        nets["discriminator"].apply(params, aux, y[..., i]).score for i in ([0, 1, 2], [2, 0, 1])
    ]
    np.testing.assert_allclose(*mixed, rtol=1e-5)


@cases
@pytest.mark.parametrize("role", ["discriminator", "autoencoder"])
def test_packed_inputs_widen_the_first_layer(family, sizes, role):
    net = zoo(family, sizes)[role]
    x = inputs(role, sizes)
    packed = jnp.concatenate([x, x], axis=-1)
    (single, _, _), (double, _, out) = shapes(net, x), shapes(net, packed)
    entering = {"mlp": 2, "conv": 3, "channels": 12}[family]
    assert entering in first_layer(single) and entering not in first_layer(double)
    assert 2 * entering in first_layer(double)
    assert out.score.shape == (BATCH,)


@cases
@pytest.mark.parametrize("role", READERS)
def test_two_inputs_of_one_shape_equal_one_packed_input(family, sizes, role):
    net = zoo(family, sizes)[role]
    x, y = inputs(role, sizes), inputs(role, sizes, seed=2)
    two, one = made(net, x, y), made(net, jnp.concatenate([x, y], axis=-1))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), two, one)


@cases
@pytest.mark.parametrize("role", READERS)
def test_joint_inputs_interact(family, sizes, role):
    net = zoo(family, sizes)[role]
    x, z = inputs(role, sizes), normal(3, BATCH, LATENT)
    params, aux, _ = made(net, x, z)

    def total(x, z):
        return sum(
            jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(net.apply(params, aux, x, z))
        )

    cross = jax.jit(lambda x: jax.jvp(lambda x: jax.grad(total, 1)(x, z), (x,), (x,))[1])(x)
    assert jnp.abs(cross).max() > 0


@dear
def test_energy_is_the_norm_of_the_reconstruction_error(family, sizes):
    net = zoo(family, sizes)["autoencoder"]
    x = inputs("autoencoder", sizes)
    params, aux, _ = made(net, x)
    # a decoder whose kernels are 0 reconstructs its last bias, which is 0 here
    zero = jax.tree.map(jnp.zeros_like, params)
    by_hand = np.sqrt(np.square(np.asarray(x).reshape(BATCH, -1)).sum(1))
    np.testing.assert_allclose(net.apply(zero, aux, x).score, by_hand, rtol=1e-6)
    grads = jax.jit(jax.grad(lambda p: net.apply(p, aux, 0 * x).score.sum()))(zero)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))


@cases
def test_samples_do_not_see_each_other(family, sizes):
    for role, net in zoo(family, sizes).items():
        x = inputs(role, sizes)
        moved = x.at[0].add(1.0)  # the first values depend on shapes only, so the net is the same
        before, after = (jax.tree.leaves(made(net, v)[2]) for v in (x, moved))
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a[1:], b[1:])
            assert not np.array_equal(a[0], b[0])


@all_cases
def test_precision_follows_the_inputs(family, sizes):
    with jax.enable_x64(True):
        for role, net in zoo(family, sizes).items():
            for dtype in ("float32", "float64"):
                x = inputs(role, sizes, dtype=dtype)
                assert {str(leaf.dtype) for leaf in jax.tree.leaves(shapes(net, x))} == {dtype}


@dear
def test_lanes_equal_a_loop(family, sizes):
    with jax.enable_x64(True):
        for role, net in zoo(family, sizes).items():
            x = inputs(role, sizes, dtype=jnp.float64)
            keys = jax.random.split(KEY, 3)

            def one(params, net=net, x=x):
                def loss(params):
                    return sum(jnp.sum(o) for o in jax.tree.leaves(net.apply(params, {}, x)))

                return jax.value_and_grad(loss)(params)

            # started alike: first parameters are drawn in float32, where lanes may round apart
            params = jax.jit(jax.vmap(lambda key, net=net, x=x: net.init(key, x)[0]))(keys)
            lanes, alone = jax.jit(jax.vmap(one))(params), jax.jit(one)
            for n in range(3):
                jax.tree.map(
                    lambda a, b, n=n: np.testing.assert_allclose(a[n], b, atol=1e-12),
                    lanes,
                    alone(jax.tree.map(lambda leaf, n=n: leaf[n], params)),
                )


@all_cases
def test_kernels_start_with_their_deviation_and_biases_at_zero(family, sizes):
    wide = sizes._replace(width=64, depth=2)
    for role, net in zoo(family, wide).items():
        params, aux = jax.jit(net.init)(KEY, inputs(role, sizes))
        assert aux == {}
        paths = jax.tree_util.tree_leaves_with_path(params)
        kernels = [(path, np.asarray(leaf)) for path, leaf in paths if leaf.ndim > 1]
        assert all(not leaf.any() for _, leaf in paths if leaf.ndim == 1)
        first = [leaf.ravel()[:8] for _, leaf in kernels]
        assert len({f[0].tobytes() for f in first}) == len(kernels)  # no two share their draw
        for path, leaf in kernels:
            hidden = leaf.std() * np.sqrt(np.prod(leaf.shape[:-1]))
            expected = (1, np.sqrt(2))  # linear outputs, and layers before a rectifier
            error = min(abs(hidden - e) for e in expected)
            assert error < 4 * np.sqrt(2) / np.sqrt(2 * leaf.size), (role, path, hidden)


@pytest.mark.parametrize(
    ("family", "sizes", "message"),
    [
        (
            "renset",
            Sizes((2,), 5, 4, 1),
            "families: channels, conv, dcgan, dcgan-small, fully-connected, mlp",
        ),
        ("conv", Sizes((2,), 5, 4, 1), "8x8"),
        ("conv", Sizes((28, 28, 1), 5, 4, 1), "8x8"),
        ("channels", Sizes((2,), 5, 4, 1), "takes images"),
        ("mlp", Sizes((2,), 5, 0, 1), "width must be at least 1"),
        ("conv", Sizes((8, 8, 1), 5, 4, 0), "depth must be at least 1"),
    ],
)
def test_bad_input_is_named(family, sizes, message):
    with pytest.raises(BadInput, match=message):
        zoo(family, sizes)
