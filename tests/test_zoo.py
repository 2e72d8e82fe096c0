import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ganbench.errors import BadInput
from ganbench.zoo.catalogue import NETS, Family, Sizes, zoo
from ganbench.zoo.conv import PatchConv, PatchConvTranspose
from ganbench.zoo.linen import from_linen
from ganbench.zoo.mlp import reconstruction_energy

KEY = jax.random.key(0)
LATENT, BATCH = 5, 4
CASES = {
    "mlp-vector": ("mlp", Sizes((2,), LATENT, 16, 2)),
    "mlp-image": ("mlp", Sizes((8, 8, 1), LATENT, 16, 2)),
    "conv-gray": ("conv", Sizes((8, 8, 1), LATENT, 4, 1)),
    "conv-rgb": ("conv", Sizes((8, 8, 3), LATENT, 4, 2)),
}
cases = pytest.mark.parametrize(("family", "sizes"), CASES.values(), ids=CASES)
READERS = ("discriminator", "encoder", "autoencoder")


def normal(seed, *shape, dtype=jnp.float32):
    return jax.random.normal(jax.random.key(seed), shape, dtype)


def inputs(role, sizes, seed=1, dtype=jnp.float32):
    lengths = {"generator": (LATENT,), "denoiser": (7,)}
    return normal(seed, BATCH, *lengths.get(role, sizes.shape), dtype=dtype)


def first_layer(params):
    """Inputs of the first layer, by the order in which Linen numbers them."""
    kernels = [
        leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        if "kernel" in str(path) and ("PatchConv_0" in str(path) or "Dense_0" in str(path))
    ]
    return {leaf.shape[-2] for leaf in kernels}


@cases
def test_every_role_has_the_right_shape(family, sizes):
    nets = zoo(family, sizes)
    wide = sizes.width * {"mlp": 1, "conv": 4}[family]
    code = sizes.width // {"mlp": 4, "conv": 1}[family]
    out = {}
    for role, net in nets.items():
        x = inputs(role, sizes)
        params, aux = net.init(KEY, x)
        assert aux == {}
        out[role] = net.apply(params, aux, x)
    assert tuple(nets) == Family._fields
    assert out["generator"].shape == (BATCH, *sizes.shape)
    assert out["discriminator"].score.shape == out["autoencoder"].score.shape == (BATCH,)
    assert out["discriminator"].features.shape == (BATCH, wide)
    assert out["autoencoder"].features.shape == (BATCH, code)
    assert out["encoder"].shape == (BATCH, LATENT)
    assert out["denoiser"].shape == (BATCH, 7)


@pytest.mark.parametrize("family", NETS)
def test_images_stay_within_one_and_vectors_need_not(family):
    image = zoo(family, Sizes((8, 8, 1), LATENT, 8, 1))["generator"]
    z = 100 * normal(1, BATCH, LATENT)
    assert jnp.abs(image.apply(*image.init(KEY, z), z)).max() <= 1
    vector = zoo("mlp", Sizes((2,), LATENT, 8, 1))["generator"]
    assert jnp.abs(vector.apply(*vector.init(KEY, z), z)).max() > 1


def test_depth_counts_hidden_dense_layers():
    for family in NETS:
        counts = []
        for depth in (1, 2):
            net = zoo(family, Sizes((8, 8, 1), LATENT, 4, depth))["discriminator"]
            counts.append(len(jax.tree.leaves(net.init(KEY, normal(1, BATCH, 8, 8, 1))[0])))
        assert counts[1] == counts[0] + 2  # one more kernel and bias


def both(ours, theirs, x):
    """Value and gradients of both modules at one parameter tree, which is the reference's own."""
    params = theirs.init(KEY, x)
    params["params"]["bias"] = normal(7, *params["params"]["bias"].shape, dtype=x.dtype)
    mine = ours.init(KEY, x)
    assert jax.tree.map(jnp.shape, mine) == jax.tree.map(jnp.shape, params)

    def loss(module, params, x):
        y = module.apply(params, x)
        return jnp.sum(jnp.sin(y)), y

    for module in (ours, theirs):
        grad = jax.value_and_grad(loss, (1, 2), has_aux=True)
        (_, y), grads = grad(module, params, x)
        yield {"value": y, "grads": grads}


@pytest.mark.parametrize("hw", [(8, 8), (4, 4), (7, 5), (2, 2)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_patch_conv_is_conv(kernel, stride, hw):
    with jax.enable_x64(True):
        theirs = nn.Conv(6, (kernel, kernel), stride, "SAME", param_dtype=jnp.float64)
        x = normal(1, 2, *hw, 3, dtype=jnp.float64)
        mine, reference = both(PatchConv(6, kernel, stride), theirs, x)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-11), mine, reference)


@pytest.mark.parametrize("hw", [(4, 4), (2, 2), (3, 5), (1, 1)])
@pytest.mark.parametrize("kernel", [2, 3, 4, 5])
def test_patch_conv_transpose_is_conv_transpose(kernel, hw):
    with jax.enable_x64(True):
        theirs = nn.ConvTranspose(6, (kernel, kernel), (2, 2), "SAME", param_dtype=jnp.float64)
        x = normal(1, 2, *hw, 3, dtype=jnp.float64)
        mine, reference = both(PatchConvTranspose(6, kernel), theirs, x)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-11), mine, reference)


@pytest.mark.parametrize("module", [PatchConv(4), PatchConvTranspose(4)])
def test_no_convolution_and_no_scatter_in_second_derivatives(module):
    x = normal(1, 2, 4, 4, 3)
    params = module.init(KEY, x)

    def penalty(params):
        slope = jax.grad(lambda x: jnp.sum(jnp.sin(module.apply(params, x))))(x)
        return jnp.sum(jnp.square(slope))

    text = str(jax.make_jaxpr(jax.grad(penalty))(params))
    assert "conv_general" not in text and "scatter" not in text


@cases
@pytest.mark.parametrize("role", ["discriminator", "autoencoder"])
def test_packed_inputs_widen_the_first_layer(family, sizes, role):
    net = zoo(family, sizes)[role]
    x = inputs(role, sizes)
    packed = jnp.concatenate([x, x], axis=-1)
    single, double = net.init(KEY, x)[0], net.init(KEY, packed)[0]
    assert max(first_layer(double)) >= max(first_layer(single))
    assert {2 * n for n in first_layer(single)} & first_layer(double)
    assert net.apply(double, {}, packed).score.shape == (BATCH,)


@cases
def test_two_inputs_of_one_shape_equal_one_packed_input(family, sizes):
    net = zoo(family, sizes)["discriminator"]
    x, y = inputs("d", sizes), inputs("d", sizes, seed=2)
    params, aux = net.init(KEY, x, y)
    assert net.apply(params, aux, x, y).score.shape == (BATCH,)
    if family == "conv":
        np.testing.assert_allclose(
            net.apply(params, aux, x, y).score,
            net.apply(params, aux, jnp.concatenate([x, y], -1)).score,
            rtol=1e-6,
        )


@cases
@pytest.mark.parametrize("role", READERS)
def test_joint_inputs_interact(family, sizes, role):
    net = zoo(family, sizes)[role]
    x, z = inputs(role, sizes), normal(3, BATCH, LATENT)
    params, aux = net.init(KEY, x, z)

    def total(x, z):
        return sum(
            jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(net.apply(params, aux, x, z))
        )

    cross = jax.jvp(lambda x: jax.grad(total, 1)(x, z), (x,), (jnp.ones_like(x),))[1]
    assert jnp.abs(cross).max() > 0


@cases
def test_energy_is_the_norm_of_the_reconstruction_error(family, sizes):
    net = zoo(family, sizes)["autoencoder"]
    x = inputs("autoencoder", sizes)
    params, aux = net.init(KEY, x)
    # a decoder whose kernels are 0 reconstructs its last bias, whatever the code
    zero = jax.tree.map(jnp.zeros_like, params)
    by_hand = np.sqrt(np.square(np.asarray(x).reshape(BATCH, -1)).sum(1))
    np.testing.assert_allclose(net.apply(zero, aux, x).score, by_hand, rtol=1e-6)
    grads = jax.grad(lambda p: net.apply(p, aux, jnp.zeros_like(x)).score.sum())(zero)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(grads))


def test_energy_by_hand_and_its_gradients_at_zero():
    x, y = jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(reconstruction_energy(x, y), [5.0, 0.0])

    def energy(y):
        return reconstruction_energy(x, y).sum()

    np.testing.assert_allclose(jax.grad(energy)(y), [[0.6, 0.8], [0.0, 0.0]], rtol=1e-6)
    assert jnp.isfinite(jax.hessian(energy)(y)).all()


@cases
def test_samples_do_not_see_each_other(family, sizes):
    for role, net in zoo(family, sizes).items():
        x = inputs(role, sizes)
        params, aux = net.init(KEY, x)
        moved = x.at[0].add(1.0)
        before, after = (jax.tree.leaves(net.apply(params, aux, v)) for v in (x, moved))
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a[1:], b[1:])
            assert not np.array_equal(a[0], b[0])


@cases
def test_precision_follows_the_inputs(family, sizes):
    with jax.enable_x64(True):
        for role, net in zoo(family, sizes).items():
            for dtype in (jnp.float32, jnp.float64):
                x = inputs(role, sizes, dtype=dtype)
                params, aux = net.init(KEY, x)
                out = net.apply(params, aux, x)
                assert {leaf.dtype for leaf in jax.tree.leaves((params, out))} == {dtype}


@cases
def test_lanes_equal_a_loop(family, sizes):
    with jax.enable_x64(True):
        for role, net in zoo(family, sizes).items():
            x = inputs(role, sizes, dtype=jnp.float64)
            keys = jax.random.split(KEY, 3)

            def one(key, net=net, x=x):
                params, aux = net.init(key, x)

                def loss(params):
                    return sum(jnp.sum(o) for o in jax.tree.leaves(net.apply(params, aux, x)))

                return params, jax.value_and_grad(loss)(params)

            lanes = jax.vmap(one)(keys)
            for n, key in enumerate(keys):
                jax.tree.map(
                    lambda a, b, n=n: np.testing.assert_allclose(a[n], b, atol=1e-12),
                    lanes,
                    one(key),
                )


def test_from_linen_keeps_collections_apart_and_feeds_random_streams():
    class Noisy(nn.Module):
        @nn.compact
        def __call__(self, x, y):
            x = nn.BatchNorm(use_running_average=False)(x + y)
            x = nn.Dropout(0.5, deterministic=False)(nn.Dense(16)(x))
            return x + jax.random.normal(self.make_rng("noise"), x.shape)

    net = from_linen(Noisy())
    x = normal(1, BATCH, 3)
    params, aux = net.init(KEY, x, x)
    assert set(aux) == {"batch_stats"} and "Dense_0" in params
    keys = jax.random.split(KEY)
    once, again, other = (net.apply(params, aux, x, x, key=keys[i]) for i in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    with pytest.raises(Exception, match="RNG"):
        net.apply(params, aux, x, x)


@pytest.mark.parametrize(
    ("family", "sizes", "message"),
    [
        ("resnet", Sizes((2,), 5, 4, 1), "families: conv, mlp"),
        ("conv", Sizes((2,), 5, 4, 1), "8x8"),
        ("conv", Sizes((28, 28, 1), 5, 4, 1), "8x8"),
        ("mlp", Sizes((2,), 5, 0, 1), "width must be at least 1"),
        ("conv", Sizes((8, 8, 1), 5, 4, 0), "depth must be at least 1"),
    ],
)
def test_bad_input_is_named(family, sizes, message):
    with pytest.raises(BadInput, match=message):
        zoo(family, sizes)
