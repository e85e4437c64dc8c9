"""The demo: an embedded broker, the simulated plant, the real flow, and what one sees of them.

programme.py  which batches, with which faults, when     stage.py    broker, reference, flow, in a temporary folder
story.py      what has been seen, held against the truth screen.py   the live table
telling.py    plain lines and the summary                show.py     the show itself
"""
