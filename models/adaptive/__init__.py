"""What learns while it monitors: the cold start without a reference, and the learner beside a frozen one.

What it raises is always of grade ``advisory``.
"""
