"""Runs on the nodes, where hoplab is not installed: sent over SSH, with nothing but the node's own Python.

The modules are sent as text and imported from what was sent (`hoplab.capture.channel.BOOT`).
"""
