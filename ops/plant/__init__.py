"""The simulated plant of the demo and the tests: fed-batch cultures of E. coli in 1 000 L vessels.

instruments.py  the PAT tags and their instruments     faults.py      what can go wrong, on request
culture.py      growth, oxygen, heat, pH, gas          control.py     recipe and control loops
simulation.py   batches in, recorded batches out
"""
