"""Plots of training histories and of network diagrams."""
