"""Every Prometheus series, and the server that exposes them."""
