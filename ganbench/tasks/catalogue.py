"""Tasks by name."""

from collections.abc import Callable
from functools import cache, partial

import jax.numpy as jnp

from ganbench.judges.images import image_judge
from ganbench.tasks import images
from ganbench.tasks.base import Facts, Task
from ganbench.tasks.digits import digits
from ganbench.tasks.games import bilinear, dirac
from ganbench.tasks.mixtures import grid, pacgan_grid, pacgan_ring, ring
from ganbench.tasks.stacked import beside, compositional, facts_of_three, stacked, stacked_digits


def mnist() -> Task:
    """MNIST: 60,000 + 10,000 real 28 x 28 images of ten digits.

    Reference: LeCun, Cortes, Burges, "The MNIST Database of Handwritten Digits", 1998.
    """
    return images.images("mnist", partial(image_judge, "mnist"))


def fashion_mnist() -> Task:
    """Fashion-MNIST: 60,000 + 10,000 real 28 x 28 images of ten kinds of clothes.

    Reference: Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017, arXiv 1708.07747.
    """
    return images.images("fashion-mnist", partial(image_judge, "fashion-mnist"))


def cifar10() -> Task:
    """CIFAR-10: 50,000 + 10,000 real 32 x 32 colour images of ten classes.

    Reference: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    return images.images("cifar10", partial(image_judge, "cifar10"))


def celeba() -> Task:
    """CelebA: faces, cropped and scaled to 32 x 32; eight modes (sex, smile, youth).

    Reference: Liu et al., "Deep Learning Face Attributes in the Wild", ICCV 2015, arXiv 1411.7766.
    """
    return images.images("celeba", partial(image_judge, "celeba"))


def stacked_mnist() -> Task:
    """Stacked MNIST: three digits in the channels of one image, drawn on the fly; 1,000 modes.

    Reference: Metz et al., "Unrolled Generative Adversarial Networks", ICLR 2017, arXiv 1611.02163.
    """
    return stacked(TASKS["mnist"]())


def compositional_mnist() -> Task:
    """Compositional MNIST: three digits side by side, drawn on the fly; 1,000 modes.

    Reference: Che et al., "Mode Regularized Generative Adversarial Networks", ICLR 2017, arXiv
    1612.02136.
    """
    return compositional(TASKS["mnist"]())


#: name -> the task, made once a process; raises BadInput where its images are not prepared.
TASKS: dict[str, Callable[[], Task]] = {
    "ring": cache(ring),
    "grid": cache(grid),
    "digits": cache(digits),
    "stacked-digits": cache(stacked_digits),
    "mnist": cache(mnist),
    "fashion-mnist": cache(fashion_mnist),
    "cifar10": cache(cifar10),
    "celeba": cache(celeba),
    "stacked-mnist": cache(stacked_mnist),
    "compositional-mnist": cache(compositional_mnist),
    "pacgan-ring": cache(pacgan_ring),
    "pacgan-grid": cache(pacgan_grid),
    "dirac": cache(dirac),
    "bilinear": cache(bilinear),
}

#: What is known of the tasks whose images have to be prepared first.
PREPARED: dict[str, Callable[[], Facts]] = {
    **{
        name: partial(images.facts, name)
        for name in ("mnist", "fashion-mnist", "cifar10", "celeba")
    },
    "stacked-mnist": lambda: facts_of_three(images.facts("mnist"), jnp.asarray),
    "compositional-mnist": lambda: facts_of_three(images.facts("mnist"), beside),
}


def facts(name: str) -> Facts:
    """What is known of task `name` whether its images are prepared or not."""
    if name in PREPARED:
        return PREPARED[name]()
    task = TASKS[name]()
    return Facts(task.shape, task.modes, float(task.proportions.min()))
