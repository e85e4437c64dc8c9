"""What judges a running batch against its reference: measuring, cause, findings, contributors, batches judged
together."""
