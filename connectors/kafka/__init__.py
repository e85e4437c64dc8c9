"""Kafka itself: clients and their settings, topics, the signal to stop, and the demo's broker, publisher and screen."""
