"""The edges: Kafka, files, the stores and Prometheus. Rooms import only from those below them, and models.

inputs and outputs; kafka; prometheus and messages; store; files; settings.
"""
