"""A task: four Gaussians on the axes of the plane."""

import numpy as np

from ganbench import Task
from ganbench.tasks.mixtures import mixture


def cross() -> Task:
    """Four Gaussians of sigma 0.05 at distance 1 from the origin, one on each half-axis."""
    centres = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    return mixture("cross", centres, sigma=0.05)
