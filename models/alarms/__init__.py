"""Alarms after ISA-18.2: states, delays, deviations and their wording, and the audit of the alarm system.

No process statistics: those are in ``models.statistics``.
"""
