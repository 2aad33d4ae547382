"""Placeholder until the quadrature lands in the next commits."""
