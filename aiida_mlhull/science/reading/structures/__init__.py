"""Crystals from files of other people: CIF, POSCAR, extxyz, JSON, folders of them."""
