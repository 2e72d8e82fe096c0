"""Tasks by name."""

from collections.abc import Callable
from functools import cache

from ganbench.tasks.base import Task
from ganbench.tasks.digits import digits
from ganbench.tasks.games import bilinear, dirac
from ganbench.tasks.mixtures import grid, pacgan_grid, pacgan_ring, ring
from ganbench.tasks.stacked import stacked_digits

#: name -> the task, made once a process.
TASKS: dict[str, Callable[[], Task]] = {
    "ring": cache(ring),
    "grid": cache(grid),
    "digits": cache(digits),
    "stacked-digits": cache(stacked_digits),
    "pacgan-ring": cache(pacgan_ring),
    "pacgan-grid": cache(pacgan_grid),
    "dirac": cache(dirac),
    "bilinear": cache(bilinear),
}
