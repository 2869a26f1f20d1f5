"""Spin-1/2 algebra on arrays: operators, states, propagation. No NMR here, and no file formats."""
