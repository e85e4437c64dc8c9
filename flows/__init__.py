"""The Bytewax flows: how records go from sources to sinks, one step a line.

They import models and connectors; what a verdict is belongs in ``models``, sockets and files in ``connectors``.
"""
