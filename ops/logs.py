"""Logs to stderr: for people on a terminal, one JSON object a line everywhere else."""

import logging
import sys

import structlog


def configure(level: int = logging.INFO) -> None:
    """Send what PATrol logs to stderr."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    on_terminal = sys.stderr.isatty()
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=True) if on_terminal else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    log = logging.getLogger("patrol")
    log.handlers, log.propagate = [handler], False
    log.setLevel(level)
