"""Jobs that outlive the process: work that is described on disk before it is submitted, and collected once."""

from nmrqb.jobs.work import Device, Work

__all__ = ["Device", "Work"]
