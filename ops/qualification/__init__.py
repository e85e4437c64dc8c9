"""The performance qualification report: how well a reference would judge batches it has never seen.

plan.py      which faults are put into which batch
trial.py     one batch left out: judged by what the others taught    study.py     all batches, over several processes
findings.py  what the trials add up to                              criteria.py  acceptance criteria and the verdict
provenance.py  files, checksums, versions, approvals
figures.py, trends.py  the pictures              report.py, template.html  all of it as one HTML file
"""
