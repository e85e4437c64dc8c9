"""From a trajectory and scans to statistics (T², SPE, innovations, control charts), the same in fitting and on line;
nothing is learnt here."""
