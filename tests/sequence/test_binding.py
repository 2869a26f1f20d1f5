"""Numbers bound to parameters whose defaults cannot be computed on the sample at hand."""

from dataclasses import replace

import pytest

import nmrqb
from nmrqb.errors import InputError

FREE = replace(nmrqb.Sample.load("nematic-pair"), dipolar=())


def test_a_bound_number_needs_no_default_that_this_sample_can_compute():
    echo = nmrqb.Sequence.load("solid-echo")
    assert nmrqb.schedule(echo.bind(tau=2e-5), FREE).durations.tolist() == [0, 2e-5, 0, 2e-5]


def test_what_cannot_be_computed_is_told_once_and_not_for_each_step_that_uses_it():
    with pytest.raises(InputError, match="division by zero") as caught:
        nmrqb.schedule(nmrqb.Sequence.load("wahuha"), FREE)
    assert len(caught.value.problems) == 1
