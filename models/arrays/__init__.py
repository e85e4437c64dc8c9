"""Arrays and compiled loops that know no tag, batch or record: types, state carried from scan to scan, products,
grids."""
