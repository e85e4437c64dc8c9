"""One unit's life: order, assembly, context, the running batch, what is emitted, and the state that a snapshot holds;
no formulas."""
