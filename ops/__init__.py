"""The people's side: command line, configuration, console, demo, qualification, deployment.

The only package that reads the command line or the twin's file; it imports all others, and none imports it.
"""
