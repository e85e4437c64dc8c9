"""Kafka clients: what reads topics, what writes them, and how both wait for a broker.

The only room that opens a connection to Kafka.
"""
