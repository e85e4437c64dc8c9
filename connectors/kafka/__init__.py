"""Kafka clients: what reads topics, and how all wait for a broker. Here and in ``outputs`` connections are opened."""
