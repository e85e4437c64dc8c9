"""Bytes to records and blocks, and back; no Kafka client is opened here."""
