"""Sweep files on the experiment of the command line's tests."""

SWEEP = """\
title = "Charging against what the sample is"
experiment = "experiment.toml"

[sweep."sample.relaxation.T2"]
from = "100 ms"
to = "300 ms"
points = 3

[sweep.tau]
values = ["100 us", "200 us"]
"""
RANDOM = """\
title = "Charging where nothing is certain"
experiment = "experiment.toml"
points = 8

[random."sample.couplings.0.dipolar"]
from = "0.5 kHz"
to = "1.5 kHz"

[random.charge]
from = "80 deg"
to = "100 deg"
"""
