"""What learns while it watches, advisory always: the cold start without a reference, and the learner beside a frozen
one."""
