"""Jobs that outlive the process: work that is described on disk before it is submitted, and collected once."""

from nmrqb.jobs.ledger import Ledger
from nmrqb.jobs.patience import Patience
from nmrqb.jobs.work import Device, Work, checked_counts

__all__ = ["Device", "Ledger", "Patience", "Work", "checked_counts"]
