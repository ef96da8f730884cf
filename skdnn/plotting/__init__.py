"""Plots of training and of networks."""
