"""Using what a run has made: predictions of further rows, and a folder with its models."""

from medalist.agent.using.predicting import predict

__all__ = ["predict"]
