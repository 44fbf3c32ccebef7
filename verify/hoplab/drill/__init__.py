"""Faults to put into a lab on purpose, and which hop each must make the first unproven one."""
