"""The same GAN as a plain PyTorch training loop: steps a second of one process, as JSON.

    python benchmarks/peer_torch.py '{"nets": "mlp", "batch": 64, "width": 128, "depth": 2}'

Beside those, any of `latent`, `threads`, `fused` (that kind of Adam, the faster one on a CPU),
`compiled` (the losses by `torch.compile`), `lanes` (so many seeds at once: parameters stacked, nets
through `torch.func.vmap`; a step is then one of all of them), `seconds` to measure, and `at`, the
time (since the epoch) to begin. Nets, losses, optimizer and batches are those that `ganbench`
trains by `nonsaturating`: `mlp` on the ring, `conv` and `dcgan` on 8 x 8 images. Nothing is scored
or logged. `speed.py` runs it.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn.functional import softplus

SIDE, CENTRES, SIGMA, IMAGES = 8, 8, 0.02, 1797
DEFAULTS = {"latent": 2, "threads": 1, "fused": False, "compiled": False, "lanes": 0}
DEFAULTS |= {"seconds": 2.0, "at": 0}
WARM = 30  # steps that are not measured: the first are slower, and compile

Players = tuple[nn.Module, nn.Module]  # generator, discriminator
Net = Callable[[torch.Tensor], torch.Tensor]


def leaky() -> nn.Module:
    return nn.LeakyReLU(0.2)


def dense(sizes: list[int], activation: Callable[[], nn.Module]) -> list[nn.Module]:
    pairs = zip(sizes, sizes[1:], strict=False)
    return [part for i, o in pairs for part in (nn.Linear(i, o), activation())]


def mlp(width: int, depth: int, latent: int) -> Players:
    g = dense([latent] + depth * [width], nn.ReLU) + [nn.Linear(width, 2)]
    d = dense([2] + depth * [width], leaky) + [nn.Linear(width, 1)]
    return nn.Sequential(*g), nn.Sequential(*d)


def conv(width: int, depth: int, latent: int) -> Players:
    """Kernels of 3; where `ganbench` pads after a map PyTorch pads on both sides, at equal cost."""

    def down(before: int, after: int) -> nn.Module:
        return nn.Conv2d(before, after, 3, 2, padding=1)

    def up(before: int, after: int) -> nn.Module:
        return nn.ConvTranspose2d(before, after, 3, 2, padding=1, output_padding=1)

    g = dense([latent] + depth * [8 * width], nn.ReLU) + [nn.Unflatten(1, (2 * width, 2, 2))]
    g += [up(2 * width, width), nn.ReLU(), up(width, 1), nn.Tanh()]
    d = [down(1, width), leaky(), down(width, 2 * width), leaky(), nn.Flatten()]
    d += dense([8 * width] + depth * [4 * width], leaky) + [nn.Linear(4 * width, 1)]
    return nn.Sequential(*g), nn.Sequential(*d)


def dcgan(width: int, depth: int, latent: int) -> Players:
    """Kernels of 4, normalized by the batch where the paper does."""

    def normalized(layer: nn.Module, channels: int) -> list[nn.Module]:
        return [layer, nn.BatchNorm2d(channels, track_running_stats=False)]

    maps = [width * 2**i for i in range(depth)]
    side = SIDE // 2**depth
    first = nn.Linear(latent, maps[-1] * side**2, bias=False)
    g: list[nn.Module] = [first, nn.Unflatten(1, (maps[-1], side, side))]
    g += [nn.BatchNorm2d(maps[-1], track_running_stats=False), nn.ReLU()]
    for before, after in zip(maps[:0:-1], maps[-2::-1], strict=True):
        layer = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
        g += [*normalized(layer, after), nn.ReLU()]
    g += [nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh()]
    d: list[nn.Module] = [nn.Conv2d(1, width, 4, 2, 1), leaky()]
    for before, after in zip(maps, maps[1:], strict=False):
        d += [*normalized(nn.Conv2d(before, after, 4, 2, 1, bias=False), after), leaky()]
    d += [nn.Flatten(), nn.Linear(maps[-1] * side**2, 1)]
    return nn.Sequential(*g), nn.Sequential(*d)


NETS = {"mlp": mlp, "conv": conv, "dcgan": dcgan}


def stacked(nets: Sequence[nn.Module]) -> tuple[Net, list[torch.Tensor]]:
    """Nets of one kind as one, which maps (nets, batch, ...) to as much; and its parameters."""
    parameters, _ = torch.func.stack_module_state(list(nets))
    own = partial(torch.func.functional_call, nets[0])
    every = torch.func.vmap(lambda values, x: own(values, (x,)))
    return partial(every, parameters), list(parameters.values())


def learnt(parameters: Sequence[torch.Tensor], wanted: bool) -> None:
    for parameter in parameters:
        parameter.requires_grad_(wanted)


def ring(*batch: int) -> Callable[[], torch.Tensor]:
    angles = 2 * math.pi * torch.arange(CENTRES) / CENTRES
    centres = torch.stack([angles.cos(), angles.sin()], 1)
    return lambda: centres[torch.randint(CENTRES, batch)] + SIGMA * torch.randn(*batch, 2)


def images(*batch: int) -> Callable[[], torch.Tensor]:
    """Of noise: what is on them costs nothing."""
    held = torch.rand(IMAGES, 1, SIDE, SIDE) * 2 - 1
    return lambda: held[torch.randint(IMAGES, batch)]


def stepper(players: Sequence[Players], given: dict) -> Callable[[], None]:
    """What trains one pair of players, or all of them at once, where `lanes` are asked for."""
    lanes = given["lanes"]
    if lanes:
        (g, g_own), (d, d_own) = map(stacked, zip(*players, strict=True))
    else:
        ((g, d),) = players
        g_own, d_own = list(g.parameters()), list(d.parameters())
    adam = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999), fused=given["fused"] or None)
    g_moves, d_moves = adam(g_own), adam(d_own)
    batch = (lanes, given["batch"]) if lanes else (given["batch"],)
    real = (ring if given["nets"] == "mlp" else images)(*batch)

    def mean(each: torch.Tensor) -> torch.Tensor:
        """Over the batch; the sum over lanes, so that each has the gradient of its own."""
        return each.mean(-2).sum()

    def d_loss(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            fake = g(z)
        return mean(softplus(-d(x))) + mean(softplus(d(fake)))

    def g_loss(z: torch.Tensor) -> torch.Tensor:
        return mean(softplus(-d(g(z))))

    if given["compiled"]:
        d_loss, g_loss = torch.compile(d_loss), torch.compile(g_loss)

    def latents() -> torch.Tensor:
        return torch.randn(*batch, given["latent"])

    def step() -> None:
        d_moves.zero_grad()
        d_loss(real(), latents()).backward()
        d_moves.step()
        g_moves.zero_grad()
        learnt(d_own, False)  # most loops make these gradients and drop them: 3 to 10 % more time
        g_loss(latents()).backward()
        learnt(d_own, True)
        g_moves.step()

    return step


def main() -> None:
    given = DEFAULTS | json.loads(sys.argv[1])
    torch.set_num_threads(given["threads"])
    make = partial(NETS[given["nets"]], given["width"], given["depth"], given["latent"])
    players = [make() for _ in range(given["lanes"] or 1)]
    step = stepper(players, given)
    begun = time.perf_counter()
    for _ in range(WARM):
        step()
    warm_s = time.perf_counter() - begun
    wait = given["at"] - time.time()
    if wait < 0 < given["at"]:
        sys.exit(f"peer_torch: warm {-wait:.0f} s after it was to begin")
    time.sleep(max(0.0, wait))
    begun, done = time.perf_counter(), 0
    while (taken := time.perf_counter() - begun) < given["seconds"]:
        for _ in range(10):
            step()
        done += 10
    parameters = sum(p.numel() for own in players[0] for p in own.parameters())
    rate = (given["lanes"] or 1) * done / taken
    print(json.dumps({"rate": rate, "parameters": parameters, "warm_s": warm_s}))


main()
