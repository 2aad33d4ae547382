"""The mathematics of one distribution: arrays in, arrays out."""
