"""Running batches gathered until quality decides: what `patrol learn` keeps of each unit."""
