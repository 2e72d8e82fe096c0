"""A suite with figures and claims, small enough to train in a test."""

from ganbench import suite as suites

HEAD = (suites.SUITES / "smoke.toml").read_text().split("[tasks.")[0]
TASK = """
[tasks.digits]
seeds = 4
steps = 20
evaluations = 2
batch = 16
latent = 4
learning_rate = 1e-3
b1 = 0.5
b2 = 0.999
nets = "mlp"
width = 8
depth = 1
curve_samples = 250
block = 2
"""
METHODS = """
[[methods]]
name = "nonsaturating"
source = "a test"

[[methods]]
name = "pacgan"
source = "a test"
hyperparameters.pacgan.samples = [2, 3]

[[published]]
task = "digits"
method = "pacgan"
hyperparameters.pacgan.samples = 3
metric = "modes"
value = 9.5
spread = 0.2
spread_is = "standard error of 5 runs"
source = "a paper"
verified = true

[[published]]
task = "digits"
method = "nonsaturating"
metric = "reverse_kl"
value = 1.25
source = "a memory"
verified = false

[[claims]]
says = "Packing covers more"
source = "a paper"
verified = true
task = "digits"
metric = "modes"
rows = [{ method = "nonsaturating" }, { method = "pacgan", hyperparameters.pacgan.samples = 2 }]

[[claims]]
says = "Packing succeeds"
source = "a memory"
verified = false
task = "digits"
rows = [{ method = "pacgan", hyperparameters.pacgan.samples = 2 }]
at_least = 0.5
"""
FULL = """
[full.tasks.digits]
seeds = 9
width = 64
"""
BOX = """
[tasks.digits.box]
points = 4
shapes = 2
width = [4, 8]
learning_rate = { low = 1e-4, high = 1e-2 }
dropout = [0.0, 0.5]
"""
GOOD = HEAD + TASK + METHODS + FULL


def written(tmp_path, text):
    path = tmp_path / "made.toml"
    path.write_text(text)
    return path
