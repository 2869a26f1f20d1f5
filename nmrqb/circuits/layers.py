"""Circuits of fixed gates and open angles: local gates pile up as matrices and become rz and ry around entanglers.

Every local gate between two entanglers is one layer, so what is multiplied into it (a phase cycle, a setting of tomography,
a flipped spin) costs no gate. Matrices are (..., 2, 2) with any leading axes: one circuit, an array of angles.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import CXGate, CZGate, ECRGate

from nmrqb.checks import ComplexArray, FloatArray
from nmrqb.errors import ArgumentError
from nmrqb.spin.cartan import Cartan, cartan
from nmrqb.spin.operators import PAULI

#: The two-qubit gates a circuit may be built of; rzz with an angle between 0 and pi/2, as devices that have it take it.
ENTANGLERS = ("cz", "cx", "ecr", "rzz")

_GATES: dict[str, type[Gate]] = {"cz": CZGate, "cx": CXGate, "ecr": ECRGate}
_H = (PAULI["X"] + PAULI["Z"]) / np.sqrt(2)
_ORDER = np.ix_([0, 2, 1, 3], [0, 2, 1, 3])  # Qiskit's first qubit is the rightmost factor


def rotation(letter: str, angle: FloatArray | float) -> ComplexArray:
    """exp(-i angle P/2) for P of X, Y, Z, shape angle.shape + (2, 2)."""
    half = np.asarray(angle)[..., None, None] / 2
    return np.cos(half) * PAULI["I"] - 1j * np.sin(half) * PAULI[letter]


class Layers:
    """A circuit of n qubits being written, all of them in |0>, and the values (..., P) of its parameters.

    `lead` is the shape that all leading axes broadcast to. Qubit k's local gates since its last entangler wait as one matrix.
    """

    def __init__(self, n: int, lead: tuple[int, ...], entangler: str = "cz", clbits: int = 0) -> None:
        if entangler not in ENTANGLERS:
            raise ArgumentError("entangler", repr(entangler), f"be one of {', '.join(ENTANGLERS)}")
        self.circuit = QuantumCircuit(n, clbits)
        self.lead, self.entangler = lead, entangler
        self.entanglers = 0
        self._waiting: list[ComplexArray] = [PAULI["I"]] * n
        self._untouched = set(range(n))
        self._values: list[FloatArray] = []

    def started(self) -> None:
        """Let the first rotations about z be written too, for states other than |0>."""
        self._untouched.clear()

    def local(self, qubit: int, matrices: ComplexArray) -> None:
        """A gate on one qubit, (..., 2, 2)."""
        self._waiting[qubit] = matrices @ self._waiting[qubit]

    def cz(self, i: int, j: int) -> None:
        """A CZ gate; with "rzz" one of angle pi/2."""
        if self.entangler == "rzz":
            self.local(i, rotation("Z", -np.pi / 2))
            self.local(j, rotation("Z", -np.pi / 2))
            self.rzz(i, j, np.array(np.pi / 2))
            return
        after, before = _frame(self.entangler)
        for qubit, side in ((i, 0), (j, 1)):
            self.local(qubit, before[side])
            self._flush(qubit)
        self.circuit.append(_GATES[self.entangler](), [i, j])
        self.entanglers += 1
        for qubit, side in ((i, 0), (j, 1)):
            self.local(qubit, after[side])

    def rzz(self, i: int, j: int, angle: FloatArray) -> None:
        """exp(-i angle ZZ/2) as the device's own gate."""
        self._flush(i)
        self._flush(j)
        self.circuit.rzz(self._parameter(angle), i, j)
        self.entanglers += 1

    def block(self, i: int, j: int, parts: Cartan) -> None:
        """A two-qubit unitary, of as many entanglers as the most demanding member of the batch needs."""
        for side, qubit in enumerate((i, j)):
            self.local(qubit, parts.before[..., side, :, :])
        if self.entangler == "rzz":
            self._by_rzz(i, j, parts.coordinates, parts.terms())
        else:
            self._by_cz(i, j, parts.coordinates, parts.entanglers())
        for side, qubit in enumerate((i, j)):
            self.local(qubit, parts.after[..., side, :, :])

    def barrier(self) -> None:
        """Keep what comes from being merged with what was, local gates excepted: those still wait."""
        self.circuit.barrier()

    def measure(self) -> None:
        """Measure every qubit k into clbit k; phases before a measurement are left out."""
        for qubit in range(self.circuit.num_qubits):
            self._flush(qubit, last=True)
        self.circuit.measure(range(self.circuit.num_qubits), range(self.circuit.num_qubits))

    def finish(self) -> None:
        """Write what still waits."""
        for qubit in range(self.circuit.num_qubits):
            self._flush(qubit)

    def angles(self) -> FloatArray:
        """Values of the parameters in the order of circuit.parameters, (*lead, P)."""
        result = np.empty((*self.lead, len(self._values)))
        for k, value in enumerate(self._values):
            result[..., k] = value
        return result

    def _by_cz(self, i: int, j: int, c: FloatArray, gates: int) -> None:
        """exp(i sum c_k PP_k): three gates after Vatan and Williams, Phys. Rev. A 69, 032315 (2004); fewer: derived here."""
        a, b, z = np.moveaxis(c, -1, 0)
        quarter = np.pi / 2
        layers: list[tuple[ComplexArray, ComplexArray]] = []
        if gates == 1:
            own = _cz_parts()
            layers = [tuple(_inverse(own.before)), tuple(_inverse(own.after))]
        elif gates == 2:
            turn = rotation("X", quarter)  # YY to ZZ
            back = turn.conj().T
            layers = [(back, _H @ back), (rotation("X", -2 * a), rotation("X", -2 * b)), (turn, turn @ _H)]
        elif gates == 3:
            layers = [
                (_H, rotation("Z", -quarter)),
                (rotation("Z", quarter - 2 * z) @ _H, _H @ rotation("Y", 2 * a - quarter)),
                (_H, rotation("Y", quarter - 2 * b) @ _H),
                (rotation("Z", quarter) @ _H, PAULI["I"]),
            ]
        for number, (first, second) in enumerate(layers):
            if number:
                self.cz(i, j)
            self.local(i, first)
            self.local(j, second)

    def _by_rzz(self, i: int, j: int, c: FloatArray, gates: int) -> None:
        """One rzz for every coordinate that is not zero, turned to its axis; negative ones between two X."""
        turns = (rotation("Y", np.pi / 2), rotation("X", -np.pi / 2), PAULI["I"])  # Z to X, Y, Z
        for axis in range(gates):
            into, back = turns[axis], turns[axis].conj().T
            # exp(i c ZZ) is rzz(-2c): X on one qubit turns the sign
            flip = np.where((c[..., axis] > 0)[..., None, None], PAULI["X"], PAULI["I"])
            self.local(i, flip @ back)
            self.local(j, back)
            self.rzz(i, j, 2 * np.abs(c[..., axis]))
            self.local(i, into @ flip)
            self.local(j, into)

    def _flush(self, qubit: int, last: bool = False) -> None:
        """Write the waiting gate as rz ry rz: without the first on a fresh |0>, without the last before a measurement."""
        before, middle, after = euler(self._waiting[qubit])
        self._waiting[qubit] = PAULI["I"]
        if qubit not in self._untouched:
            self.circuit.rz(self._parameter(before), qubit)
        self._untouched.discard(qubit)
        self.circuit.ry(self._parameter(middle), qubit)
        if not last:
            self.circuit.rz(self._parameter(after), qubit)

    def _parameter(self, values: FloatArray) -> Parameter:
        self._values.append(values)
        return Parameter(f"angle_{len(self._values) - 1:05d}")  # sorted by name is sorted by number


def euler(matrices: ComplexArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Angles of rz, ry, rz (the first acts first) of unitaries (..., 2, 2), up to a phase."""
    U = matrices / np.sqrt(np.linalg.det(matrices))[..., None, None]
    total = np.where(np.abs(U[..., 1, 1]) > 1e-14, 2 * np.angle(U[..., 1, 1]), 0.0)
    difference = np.where(np.abs(U[..., 1, 0]) > 1e-14, 2 * np.angle(U[..., 1, 0]), 0.0)
    return (
        (total - difference) / 2,
        2 * np.arctan2(np.abs(U[..., 1, 0]), np.abs(U[..., 0, 0])),
        (total + difference) / 2,
    )


def _inverse(locals_: ComplexArray) -> ComplexArray:
    return locals_.conj().swapaxes(-1, -2)


@lru_cache(maxsize=1)
def _cz_parts() -> Cartan:
    return cartan(np.diag([1, 1, 1, -1]).astype(complex))


@lru_cache(maxsize=4)
def _frame(entangler: str) -> tuple[ComplexArray, ComplexArray]:
    """Local gates (2, 2, 2) after and before the entangler that make it a CZ."""
    own = cartan(np.asarray(_GATES[entangler]().to_matrix(), dtype=complex)[_ORDER])
    target = _cz_parts()
    return target.after @ _inverse(own.after), _inverse(own.before) @ target.before
