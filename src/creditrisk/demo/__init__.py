"""Invented tables for each shipped book, at any size, with a planted signal. Nothing in them is real."""

from creditrisk.demo.writer import DemoFiles, write_demo

__all__ = ["DemoFiles", "write_demo"]
