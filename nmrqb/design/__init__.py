"""Protocol design: couplings made of pulses, optimal charging, and how well both survive a real coil."""
