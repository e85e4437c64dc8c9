"""What travels and what is agreed: messages, blocks of scans, the twin, errors, and what a monitor is and says; no
statistics."""
