"""The knowledge: records, statistics, detectors and alarm states. Pure: no Kafka, Bytewax, Prometheus, clock or files.

Rooms, each importing only from those below it: unit; batch and continuous; reference; adaptive; alarms, sensors and
statistics; limits; records; arrays. ``docs/architecture.md`` draws them.
"""
