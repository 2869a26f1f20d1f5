"""nmrqb: the bench for magnetic dipolar quantum batteries.

Names load when they are first used, so that `import nmrqb` stays light: neither Qiskit nor matplotlib is touched.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> (module, attribute); an attribute of None means the module itself.
_EXPORTS: dict[str, tuple[str, str | None]] = {
    "Battery": ("nmrqb.battery", "Battery"),
    "Cluster": ("nmrqb.battery", "Cluster"),
    "closed_forms": ("nmrqb.battery.closed_forms", None),
    "gibbs_state": ("nmrqb.spin.states", "gibbs_state"),
    "charging_unitary": ("nmrqb.spin.propagation", "charging_unitary"),
    "lindblad": ("nmrqb.spin.propagation", "lindblad"),
    "metrics": ("nmrqb.metrics", None),
    "Sample": ("nmrqb.nmr", "Sample"),
    "Sequence": ("nmrqb.sequence", "Sequence"),
    "Timeline": ("nmrqb.timeline", "Timeline"),
    "schedule": ("nmrqb.timeline", "schedule"),
    "States": ("nmrqb.results", "States"),
    "Exact": ("nmrqb.engines", "Exact"),
    "Shots": ("nmrqb.engines", "Shots"),
    "Spectrometer": ("nmrqb.engines", "Spectrometer"),
    "acquire": ("nmrqb.engines", "acquire"),
    "preparation": ("nmrqb.preparation", None),
    "Ensemble": ("nmrqb.nmr.ensembles", "Ensemble"),
    "Receiver": ("nmrqb.detection", "Receiver"),
    "read_fid": ("nmrqb.detection", "read_fid"),
    "write_fid": ("nmrqb.detection", "write_fid"),
    "Experiment": ("nmrqb.experiment", "Experiment"),
    "design": ("nmrqb.design", None),
    "compare": ("nmrqb.compare", "compare"),
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'nmrqb' has no attribute {name!r}")
    module, attribute = _EXPORTS[name]
    loaded = import_module(module)
    value = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(_EXPORTS))
