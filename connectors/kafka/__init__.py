"""Kafka clients: what reads topics, what writes them, and how both wait for a broker; the only room that opens a
connection."""
