"""Judging a running batch against its reference: statistics over limits, cause, findings, contributors.

Batches that share a reference are judged together (``fleet``).
"""
