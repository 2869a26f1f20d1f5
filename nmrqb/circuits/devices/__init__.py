"""Where circuits run: Aer, qubits cut from fake backends, IBM's machines, and anyone's BackendV2."""

from nmrqb.circuits.devices.machine import Closable, Machine, Source, noise_source, open_machine

__all__ = ["Closable", "Machine", "Source", "noise_source", "open_machine"]
