"""What PATrol writes to Kafka: one writer a twin, every record committed once, and what the topics hold already."""
