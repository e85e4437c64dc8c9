"""Grafana dashboards as code: ``python -m ops.grafana`` writes them to ``ops/grafana/dashboards/``."""
