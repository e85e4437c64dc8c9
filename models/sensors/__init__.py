"""Whether a sensor is well and a reading fit to judge: range, stuck, dropout, spikes, noise, silence; nothing about the
process."""
