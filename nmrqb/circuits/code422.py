"""Two spins in four qubits: the [[4,2,2]] code, in which any single error shows and the shot is dropped.

Stabilisers XXXX and ZZZZ; logical X1 = XXII, X2 = XIXI, Z1 = ZIZI, Z2 = ZZII (Vaidman, Goldenberg, Wiesner, Phys. Rev. A
54, R1745 (1996); Grassl, Beth, Pellizzari, Phys. Rev. A 56, 33 (1997)). Then X1X2 = IXXI, Y1Y2 = IYYI and Z1Z2 = IZZI:
the battery's axial and rhombic couplings act on one pair of qubits as they do on bare spins, Zeeman terms and RF pulses
become couplings of two qubits. DM and KSEA couplings act on three qubits and are refused. Energies are read transversally,
without ancillas; there is no full tomography, so what needs a density matrix (ergotropy of a mixed state) is not had here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate

from nmrqb import checks
from nmrqb.battery import Battery
from nmrqb.checks import FloatArray
from nmrqb.circuits.states import state_circuit
from nmrqb.errors import ArgumentError
from nmrqb.spin.operators import pauli_sum
from nmrqb.spin.propagation import unitary

STABILISERS = ("XXXX", "ZZZZ")

#: Logical operator of the two spins -> the Pauli string on four qubits that stands for it (as do its stabiliser products).
LOGICAL = {
    "XI": "XXII", "IX": "XIXI", "ZI": "ZIZI", "IZ": "ZZII",
    "XX": "IXXI", "YY": "IYYI", "ZZ": "IZZI", "XY": "ZYXI", "YX": "ZXYI",
}  # fmt: skip

#: What a measurement of all qubits in one basis tells about the spins.
SEEN = {"X": ("XI", "IX", "XX"), "Y": ("YY",), "Z": ("ZI", "IZ", "ZZ")}

#: Generators that commute, and the pair of qubits on which they act.
_BLOCKS = (({"ZI": "ZZ"}, (0, 2)), ({"IZ": "ZZ"}, (0, 1)), ({"XI": "XX"}, (0, 1)), ({"IX": "XX"}, (0, 2)),
           ({"XX": "XX", "YY": "YY", "ZZ": "ZZ"}, (1, 2)))  # fmt: skip
_COMMUTING = ({"XX", "YY", "ZZ"}, {"ZI", "IZ", "ZZ"}, {"XI", "IX", "XX"})


@dataclass(frozen=True)
class Decoded:
    """Expectations of logical operators in the shots that passed the parity check, and the share of shots that did."""

    expectations: dict[str, FloatArray]
    acceptance: FloatArray


def couplings(battery: Battery) -> dict[str, float]:
    """The battery's Hamiltonian as logical terms with their coefficients. Raises ArgumentError for what the code cannot do.

    Those are a DM or a KSEA coupling, which act on three qubits, and a battery of several members.
    """
    if battery.shape != ():
        raise ArgumentError("battery", f"of shape {battery.shape}", "be one battery")
    for name in ("dm", "ksea"):
        if float(getattr(battery, name)) != 0:
            allowed = "be 0 in the [[4,2,2]] code, where XY and YX act on three qubits (ZYXI, ZXYI)"
            raise ArgumentError(name, float(getattr(battery, name)), allowed)
    axial, rhombic, zeeman = (float(getattr(battery, name)) for name in ("axial", "rhombic", "zeeman"))
    terms = {"XX": rhombic - axial / 3, "YY": -rhombic - axial / 3, "ZZ": 2 * axial / 3, "ZI": zeeman, "IZ": zeeman}
    return {label: value for label, value in terms.items() if value}


def encode(amplitudes: ArrayLike) -> QuantumCircuit:
    """Four qubits from |0000> to a code state with logical amplitudes (4,), |00>, |01>, |10>, |11>.

    Where only |00> and |11>, or only |01> and |10> occur, as in eigenstates of the battery, it takes at most 3 entangling
    gates on a line of qubits 3-0-1-2; other states at most 6. Raises ArgumentError for what is no normalised state.
    """
    psi = np.asarray(amplitudes, dtype=complex)
    if psi.shape != (4,):
        raise ArgumentError("amplitudes", f"of shape {psi.shape}", "have shape (4,)")
    circuit = QuantumCircuit(4)
    even, odd = not np.any(psi[[1, 2]]), not np.any(psi[[0, 3]])
    if even or odd:
        a, b = psi[[0, 3]] if even else psi[[2, 1]]
        circuit.compose(state_circuit(np.array([a, b, b, a]) / np.sqrt(2)), [0, 1], inplace=True)
        circuit.cx(0, 3)
        circuit.cx(1, 2)
        if odd:
            circuit.x([2, 3])
        return circuit
    circuit.compose(state_circuit(psi), [1, 2], inplace=True)
    circuit.cx(1, 0)
    circuit.cx(2, 0)
    circuit.h(3)
    for k in range(3):
        circuit.cx(3, k)
    return circuit


def evolve(circuit: QuantumCircuit, angles: Mapping[str, float], steps: int = 1) -> None:
    """Append exp(-i sum angle x P) on the two logical spins, for P among XX, YY, ZZ, ZI, IZ, XI, IX.

    Each pair of qubits gets one block: XX, YY and ZZ together three entangling gates at most, every other term two. Terms
    that do not commute are split symmetrically into `steps` steps (error of second order). Raises ArgumentError for other
    terms and fewer than one step.
    """
    unknown = sorted(set(angles) - {label for block, _ in _BLOCKS for label in block})
    if unknown:
        allowed = f"hold terms that act on two qubits of the code; {unknown[0]} acts on three"
        raise ArgumentError("angles", f"with {', '.join(unknown)}", allowed)
    if steps < 1:
        raise ArgumentError("steps", steps, "be 1 or more")
    present = {label for label, angle in angles.items() if angle}
    exact = any(present <= group for group in _COMMUTING)
    blocks = [
        ({physical: angles[label] for label, physical in block.items() if label in present}, pair)
        for block, pair in _BLOCKS
    ]
    blocks = [(block, pair) for block, pair in blocks if block]
    number = 1 if exact else steps
    for _ in range(number):
        if exact:
            for block, pair in blocks:
                _block(circuit, block, pair, 1.0)
        else:
            for block, pair in blocks[:-1]:
                _block(circuit, block, pair, 0.5 / number)
            _block(circuit, *blocks[-1], 1.0 / number)
            for block, pair in reversed(blocks[:-1]):
                _block(circuit, block, pair, 0.5 / number)


def _block(circuit: QuantumCircuit, terms: Mapping[str, float], pair: tuple[int, int], share: float) -> None:
    generator = pauli_sum(list(terms), share * np.array(list(terms.values())))
    circuit.append(UnitaryGate(unitary(generator, check=False)), [pair[1], pair[0]])


def measure(circuit: QuantumCircuit, letter: str) -> QuantumCircuit:
    """A copy that ends in a measurement of every qubit in the X, Y or Z basis. Raises ArgumentError for another letter."""
    if letter not in SEEN:
        raise ArgumentError("letter", repr(letter), "be X, Y or Z")
    found = QuantumCircuit(circuit.num_qubits, circuit.num_qubits)
    found.compose(circuit, inplace=True)
    for k in range(circuit.num_qubits):
        if letter == "Y":
            found.sdg(k)
        if letter in "XY":
            found.h(k)
    found.measure(range(circuit.num_qubits), range(circuit.num_qubits))
    return found


def decode(frequencies: ArrayLike, letter: str) -> Decoded:
    """Frequencies or counts (..., 16) of all qubits in one basis, qubit 0 the highest bit -> what they say about the spins.

    Shots of odd parity had an error and are dropped: the stabiliser is the parity in each of the three bases. Entries may
    be slightly negative, as after a readout correction. Raises ArgumentError for another shape or letter, or when nothing
    passes.
    """
    if letter not in SEEN:
        raise ArgumentError("letter", repr(letter), "be X, Y or Z")
    f = checks.real("frequencies", frequencies)
    if f.ndim < 1 or f.shape[-1] != 16:
        raise ArgumentError("frequencies", f"of shape {f.shape}", "have 16 outcomes on the last axis")
    signs = 1 - 2 * (np.arange(16)[:, None] >> np.arange(3, -1, -1) & 1)  # (outcome, qubit)
    even = signs.prod(axis=1) > 0
    passed = f[..., even].sum(axis=-1)
    if np.any(passed <= 0):
        raise ArgumentError("frequencies", "without a shot of even parity", "have some that pass the check")
    expectations = {}
    for label in SEEN[letter]:
        support = [k for k, p in enumerate(LOGICAL[label]) if p != "I"]
        expectations[label] = f[..., even] @ signs[even][:, support].prod(axis=1) / passed
    return Decoded(expectations, passed / f.sum(axis=-1))


def energy(battery: Battery, decoded: Mapping[str, Decoded]) -> FloatArray:
    """The mean energy (...) from what was decoded in the bases X, Y and Z. Raises ArgumentError as `couplings` does."""
    total: FloatArray = np.zeros(())
    for label, value in couplings(battery).items():
        letter = next(letter for letter, labels in SEEN.items() if label in labels)
        total = total + value * decoded[letter].expectations[label]
    return total
