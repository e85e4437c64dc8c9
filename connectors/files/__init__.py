"""Recordings in files: tables, what their columns mean, and the runs they hold."""
