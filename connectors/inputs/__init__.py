"""What PATrol reads from Kafka: every partition of its input topics, in the order in which it was sent."""
