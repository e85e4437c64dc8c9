"""The demo: an embedded broker, the simulated plant, the real flow, and what one sees of them.

campaign.py  which batches, with which faults, when        demo_plant.py  broker, reference, flow, in a temporary folder
results.py   what has been seen, compared with the truth   screen.py      the live table
lines.py     plain lines and the summary                   demo_run.py    one run of the demo
"""
