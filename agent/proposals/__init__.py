"""Proposing the next experiment: each bandit arm offers experiments of one kind; the policy ranks the offers."""
