"""Mutation tests: does any test fail when the code is wrong?"""
